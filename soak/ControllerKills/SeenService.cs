using System.Text.Json;

namespace Portolan.Soak.ControllerKills;

/// <summary>What the checker knows of a Service.</summary>
/// <param name="Key">Namespace and name.</param>
/// <param name="Uid">Tells it from a successor of the same name.</param>
/// <param name="Version">Its resource version.</param>
/// <param name="IsLoadBalancer">Its type.</param>
/// <param name="SharingKey">Or empty.</param>
/// <param name="Port">Each has one.</param>
/// <param name="Requested">The address it asks for, or empty.</param>
/// <param name="Addresses">What its status shows.</param>
internal sealed record SeenService(string Key, string Uid, string Version, bool IsLoadBalancer, string SharingKey, int Port, string Requested, IReadOnlyList<string> Addresses)
{
    public static SeenService Read(JsonElement service)
    {
        var (metadata, spec) = (service.GetProperty("metadata"), service.GetProperty("spec"));
        var annotations = metadata.TryGetProperty("annotations", out var found) ? found : default;
        var addresses = service.GetProperty("status").GetProperty("loadBalancer").TryGetProperty("ingress", out var ingress)
            ? ingress.EnumerateArray().Select(entry => entry.GetProperty("ip").GetString()!).ToList() : [];
        return new(
            $"{metadata.GetProperty("namespace").GetString()}/{metadata.GetProperty("name").GetString()}", metadata.GetProperty("uid").GetString()!,
            metadata.GetProperty("resourceVersion").GetString()!, spec.GetProperty("type").GetString() == "LoadBalancer",
            Text(annotations, Churn.SharingAnnotation), spec.GetProperty("ports")[0].GetProperty("port").GetInt32(), Text(annotations, Churn.AddressAnnotation), addresses);
    }

    public bool MayShareWith(SeenService other) => SharingKey.Length > 0 && SharingKey == other.SharingKey && Port != other.Port;

    public override string ToString() =>
        $"version {Version}: {(IsLoadBalancer ? "LoadBalancer" : "ClusterIP")}, port {Port}, key \"{SharingKey}\", asks for \"{Requested}\", has \"{string.Join(", ", Addresses)}\"";

    private static string Text(JsonElement annotations, string name) =>
        annotations.ValueKind is JsonValueKind.Object && annotations.TryGetProperty(name, out var value) ? value.GetString()! : "";
}
