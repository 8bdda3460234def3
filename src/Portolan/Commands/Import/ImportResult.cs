using System.Text;
using System.Text.Json.Nodes;
using Portolan.Core.Addresses;

namespace Portolan.Commands.Import;

/// <summary>What a conversion gave.</summary>
/// <param name="Objects">In the order in which they can be applied.</param>
/// <param name="HelmValues">What is no object but belongs into the values of the chart: scheduling, log level, class.</param>
/// <param name="Notices">What to know about it.</param>
internal sealed record ImportResult(IReadOnlyList<JsonObject> Objects, JsonObject HelmValues, IReadOnlyList<ImportNotice> Notices)
{
    public bool HasErrors => Notices.Any(notice => notice.Severity is ImportSeverity.Error);
}

/// <summary>The objects of a conversion in the making.</summary>
internal sealed class ImportedObjects(string ns, ImportNotices notices)
{
    // What others refer to goes first.
    private static readonly string[] Order = ["Namespace", "Secret", "Community", "BFDProfile", "IPAddressPool", "BGPPeer", "L2Advertisement", "BGPAdvertisement"];

    private readonly List<JsonObject> _objects = [];
    private readonly Dictionary<string, ObjectNames> _names = new(StringComparer.Ordinal);

    public string Namespace { get; } = ns;

    public ObjectNames Names(string kind) => _names.TryGetValue(kind, out var names) ? names : _names[kind] = new ObjectNames(kind, notices);

    public void Add(JsonObject item) => _objects.Add(item);

    public void Add(string kind, string name, JsonObject spec) => Add(new JsonObject
    {
        ["apiVersion"] = kind == "BGPPeer" ? "metallb.io/v1beta2" : "metallb.io/v1beta1",
        ["kind"] = kind,
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = Namespace },
        ["spec"] = spec,
    });

    public bool Any => _objects.Count > 0;

    /// <summary>The addresses of the pools so far.</summary>
    public IEnumerable<IpRange> PoolRanges => _objects.Where(item => (string?)item["kind"] == "IPAddressPool")
        .SelectMany(item => item["spec"]!["addresses"]!.AsArray())
        .Select(address => IpRange.Parse((string)address!, out var range) is null ? range : (IpRange?)null)
        .OfType<IpRange>();

    public bool Has(string kind) => _objects.Exists(item => (string?)item["kind"] == kind);

    /// <returns>The object's name.</returns>
    public string AddPool(string source, SourcePlace place, string path, JsonArray addresses, bool autoAssign, bool avoidBuggyIPs)
    {
        var name = Names("IPAddressPool").Assign(source, "", place, path, "; Services that ask for it by name must be changed likewise");
        var spec = new JsonObject { ["addresses"] = addresses };
        if (!autoAssign)
            spec["autoAssign"] = false;
        if (avoidBuggyIPs)
            spec["avoidBuggyIPs"] = true;
        Add("IPAddressPool", name, spec);
        return name;
    }

    /// <summary>
    /// A Secret with a peer's password. Its value is written as <c>data</c>: <c>kubectl apply</c> takes <c>stringData</c> for a change every time.
    /// </summary>
    public void AddPassword(string name, string password) => Add(new JsonObject
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Secret",
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = Namespace },
        ["type"] = "kubernetes.io/basic-auth",
        ["data"] = new JsonObject { ["password"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(password)) },
    });

    public IReadOnlyList<JsonObject> InOrder() => [.. _objects.OrderBy(item => Array.IndexOf(Order, (string)item["kind"]!))];
}
