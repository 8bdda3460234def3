namespace Portolan.Soak.ApiKills;

/// <summary>A kind that is written and watched, and the parts of a body that it needs.</summary>
/// <param name="Path">Of its collection in the trial's namespace.</param>
/// <param name="Extra">Members after the metadata.</param>
internal sealed record Kind(string Path, string Extra)
{
    public const string Namespace = "trial";

    /// <summary>Objects with this label are what a selecting watcher sees; writes move them in and out.</summary>
    public const string Selector = "half=one";

    public static readonly IReadOnlyList<Kind> All =
    [
        new($"/api/v1/namespaces/{Namespace}/configmaps", "\"data\":{\"k\":\"v\"}"),
        new($"/api/v1/namespaces/{Namespace}/services", "\"spec\":{\"selector\":{\"app\":\"web\"},\"ports\":[{\"port\":80,\"targetPort\":8080}]}"),
        new($"/apis/discovery.k8s.io/v1/namespaces/{Namespace}/endpointslices",
            "\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"10.233.64.9\"],\"conditions\":{\"ready\":true}}],\"ports\":[{\"name\":\"\",\"port\":8080,\"protocol\":\"TCP\"}]"),
        new($"/apis/coordination.k8s.io/v1/namespaces/{Namespace}/leases", "\"spec\":{\"holderIdentity\":\"nobody\"}"),
    ];

    public string Body(string name, long mark) => $"{{\"metadata\":{Metadata(name, mark)},{Extra}}}";

    /// <summary>Every write leaves its mark in an annotation, so that a state tells which write made it.</summary>
    public static string Metadata(string name, long mark) =>
        $"{{\"name\":\"{name}\",\"labels\":{{\"half\":\"{(Selected(mark) ? "one" : "other")}\"}},\"annotations\":{{\"mark\":\"{mark}\"}}}}";

    public static bool Selected(long mark) => mark % 3 != 0;
}
