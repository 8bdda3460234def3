using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;
using Portolan.Lab.ApiServer.Webhooks;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>A resource as it is served: its versions, and the one it is stored in.</summary>
internal sealed class ServedResource
{
    public required string Group { get; init; }
    public required string Plural { get; init; }

    /// <summary>The name in the store, <c>deployments.apps</c>.</summary>
    public required string Storage { get; init; }

    /// <summary>In order of preference.</summary>
    public required IReadOnlyList<KindSchema> Versions { get; init; }

    public required KindSchema StorageKind { get; init; }

    /// <summary>Who converts between the versions, when more than the apiVersion differs.</summary>
    public WebhookAddress? Converter { get; init; }

    /// <summary>The CustomResourceDefinition's name, null for built-in kinds.</summary>
    public string? Definition { get; init; }

    public static string StorageName(string group, string plural) => group.Length == 0 ? plural : $"{plural}.{group}";
}

/// <summary>Everything served right now: the built-in kinds, and those of the CustomResourceDefinitions as they come and go.</summary>
internal sealed class KindRegistry
{
    private sealed record Snapshot(IReadOnlyDictionary<(string Group, string Plural), ServedResource> Resources, int Generation);

    private readonly ISchemaCatalogue _catalogue;
    private readonly Lock _changing = new();
    private readonly Dictionary<(string Group, string Plural), ServedResource> _builtIn = [];
    private volatile Snapshot _current;

    public KindRegistry(ISchemaCatalogue catalogue)
    {
        _catalogue = catalogue;
        foreach (var kinds in catalogue.BuiltIn.GroupBy(k => (k.Group, k.Plural)))
        {
            var versions = kinds.ToList();
            // One Event, two groups: the core one is what is stored.
            var storage = kinds.Key is ("events.k8s.io", "events")
                ? catalogue.BuiltIn.First(k => k is { Group: "", Kind: "Event" })
                : versions[0];
            _builtIn[kinds.Key] = new()
            {
                Group = kinds.Key.Group,
                Plural = kinds.Key.Plural,
                Storage = ServedResource.StorageName(storage.Group, storage.Plural),
                Versions = versions,
                StorageKind = storage,
            };
        }

        _current = new(_builtIn, 1);
    }

    /// <summary>Grows whenever what is served changes.</summary>
    public int Generation => _current.Generation;

    public IEnumerable<ServedResource> All => _current.Resources.Values;

    public ServedResource? Find(string group, string plural) => _current.Resources.GetValueOrDefault((group, plural));

    public (ServedResource Resource, KindSchema Kind)? Find(string group, string version, string plural)
    {
        if (Find(group, plural) is not { } resource) return null;
        foreach (var kind in resource.Versions)
            if (kind.Version == version)
                return (resource, kind);
        return null;
    }

    /// <summary>A kind that only travels as a body: Scale, DeleteOptions …</summary>
    public KindSchema Body(string name) => _catalogue.BodiesOnly.First(k => k.Kind == name);

    /// <summary>Serves what a CustomResourceDefinition defines, in place of what it defined before.</summary>
    public void Define(JsonObject crd)
    {
        var name = (string)crd["metadata"]!["name"]!;
        var compiled = _catalogue.Compile(crd);
        var versions = compiled.Where(v => v.Served).ToList();
        var established = versions.Count > 0 && ((crd["status"] as JsonObject)?["conditions"] as JsonArray ?? [])
            .Any(c => (string?)c?["type"] == "Established" && (string?)c["status"] == "True");
        Change(resources =>
        {
            foreach (var old in resources.Where(r => r.Value.Definition == name).ToList()) resources.Remove(old.Key);
            if (!established) return;
            var storageVersion = ((JsonArray)crd["spec"]!["versions"]!).First(v => (bool?)v?["storage"] == true)!;
            var storage = compiled.First(v => v.Version == (string?)storageVersion["name"]);
            var conversion = (crd["spec"] as JsonObject).Obj("conversion");
            resources[(storage.Group, storage.Plural)] = new()
            {
                Group = storage.Group,
                Plural = storage.Plural,
                Storage = ServedResource.StorageName(storage.Group, storage.Plural),
                Versions = versions,
                StorageKind = storage,
                Definition = name,
                Converter = conversion.Str("strategy") == "Webhook" ? WebhookAddress.Of(conversion.Obj("webhook").Obj("clientConfig")) : null,
            };
        });
    }

    public void Undefine(string crdName)
    {
        Change(resources =>
        {
            foreach (var old in resources.Where(r => r.Value.Definition == crdName).ToList()) resources.Remove(old.Key);
        });
    }

    /// <summary>Follows the definitions in a store, those already there included.</summary>
    public void Follow(ObjectStore store)
    {
        foreach (var crd in store.List("customresourcedefinitions.apiextensions.k8s.io", null).Objects) Define(Parse(crd));
        store.Committed += e =>
        {
            if (e.New.Resource != "customresourcedefinitions.apiextensions.k8s.io") return;
            if (e.Deleted)
            {
                Undefine(e.New.Key.Name);
                store.CloseWatches(e.New.Key.Name);
            }
            else
            {
                var definition = Parse(e.New);
                Define(definition);
                // A watch holds on to the schemas and the converter it began with: those who watch come back to the new ones.
                if (e.Old is not null && !JsonNode.DeepEquals(Parse(e.Old)["spec"], definition["spec"])) store.CloseWatches(e.New.Key.Name);
            }
        };
    }

    private static JsonObject Parse(StoredObject obj) => (JsonObject)StoredJson.Parse(obj.Json)!;

    private void Change(Action<Dictionary<(string, string), ServedResource>> change)
    {
        lock (_changing)
        {
            var resources = new Dictionary<(string, string), ServedResource>(_current.Resources);
            change(resources);
            _current = new(resources, _current.Generation + 1);
        }
    }
}
