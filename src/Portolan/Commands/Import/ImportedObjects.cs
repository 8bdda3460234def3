using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Core.Addresses;
using Portolan.Core.Configuration;
using Portolan.Kubernetes.Resources;

namespace Portolan.Commands.Import;

/// <summary>The objects of a conversion in the making.</summary>
internal sealed class ImportedObjects(string ns, ImportNotices notices)
{
    // What others refer to goes first.
    private static readonly string[] Order = ["Namespace", "Secret", "Community", "BFDProfile", "IPAddressPool", "BGPPeer", "L2Advertisement", "BGPAdvertisement"];

    private readonly List<(JsonObject Item, SourcePlace Place)> _objects = [];
    private readonly Dictionary<string, ObjectNames> _names = new(StringComparer.Ordinal);

    public string Namespace { get; } = ns;

    public bool Any => _objects.Count > 0;

    /// <summary>The addresses of the pools so far.</summary>
    public IEnumerable<IpRange> PoolRanges => InOrder().Where(item => (string?)item["kind"] == "IPAddressPool")
        .SelectMany(item => item["spec"]!["addresses"] as JsonArray ?? [])
        .Select(address => IpRange.Parse((string?)address ?? "", out var range) is null ? range : (IpRange?)null)
        .OfType<IpRange>();

    public bool Has(string kind) => _objects.Exists(entry => (string?)entry.Item["kind"] == kind);

    public ObjectNames Names(string kind) => _names.TryGetValue(kind, out var names) ? names : _names[kind] = new ObjectNames(kind, notices);

    public void Add(JsonObject item, SourcePlace place = default) => _objects.Add((item, place));

    public void Add(string kind, string name, JsonObject spec, SourcePlace place) => Add(new JsonObject
    {
        ["apiVersion"] = kind == "BGPPeer" ? "metallb.io/v1beta2" : "metallb.io/v1beta1",
        ["kind"] = kind,
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = Namespace },
        ["spec"] = spec,
    }, place);

    /// <returns>The object's name.</returns>
    public string AddPool(string source, SourcePlace place, string path, JsonArray addresses, bool autoAssign, bool avoidBuggyIPs)
    {
        var name = Names("IPAddressPool").Assign(source, "", place, path, "; Services that ask for it by name must be changed likewise");
        var spec = new JsonObject { ["addresses"] = addresses };
        if (!autoAssign)
            spec["autoAssign"] = false;
        if (avoidBuggyIPs)
            spec["avoidBuggyIPs"] = true;
        Add("IPAddressPool", name, spec, place);
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
        ["type"] = SecretFacts.BasicAuth,
        ["data"] = new JsonObject { ["password"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(password)) },
    });

    /// <summary>Reports what the controller would find wrong with the objects, each and together.</summary>
    public void Judge()
    {
        var written = ConfigurationObjects.Empty;
        foreach (var (item, _) in _objects)
            if (ConfigurationMapping.KindOf((string?)item["kind"]) is { } kind)
                written = written.With(ConfigurationMapping.Read(kind, JsonElement.Parse(item.ToJsonString())));

        // Without the cluster its nodes are not known. What is wrong on a node of which nothing is said is wrong; what only if selectors happen to choose
        // the same node is no more than a warning.
        var certain = ConfigurationSet.Empty.Update(written.WithNode("any", new Dictionary<string, string>())).Problems;
        foreach (var problem in ConfigurationSet.Empty.Update(written).Problems)
        {
            var place = _objects.First(entry => (string?)entry.Item["kind"] == problem.Kind.ToString() && (string?)entry.Item["metadata"]!["name"] == problem.Name).Place;
            if (certain.Contains(problem))
                notices.Error(place, $"{problem.Kind} {problem.Name}", problem.Error.ToString());
            else
                notices.Warn(place, $"{problem.Kind} {problem.Name}", $"{problem.Error}, unless their nodes differ");
        }
    }

    public IReadOnlyList<JsonObject> InOrder() => [.. _objects.Select(entry => entry.Item).OrderBy(item => Array.IndexOf(Order, (string)item["kind"]!))];
}
