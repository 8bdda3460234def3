using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>An Event has two faces, core/v1 and events.k8s.io/v1, with other names for the same fields. The core one is stored.</summary>
internal static class EventForms
{
    private static readonly (string Core, string New)[] Names =
    [
        ("involvedObject", "regarding"), ("message", "note"), ("count", "deprecatedCount"), ("firstTimestamp", "deprecatedFirstTimestamp"),
        ("lastTimestamp", "deprecatedLastTimestamp"), ("source", "deprecatedSource"), ("reportingComponent", "reportingController"),
    ];

    public static bool Differs(KindSchema kind) => kind is { Group: "events.k8s.io", Kind: "Event" };

    public static JsonObject FromCore(JsonObject core)
    {
        var result = Rename(core, name => Names.FirstOrDefault(n => n.Core == name).New, "events.k8s.io/v1");
        return result;
    }

    public static JsonObject ToCore(JsonObject newer)
    {
        var result = Rename(newer, name => Names.FirstOrDefault(n => n.New == name).Core, "v1");
        result["involvedObject"] ??= new JsonObject();
        return result;
    }

    private static JsonObject Rename(JsonObject obj, Func<string, string?> rename, string apiVersion)
    {
        var result = new JsonObject { ["apiVersion"] = apiVersion, ["kind"] = "Event" };
        foreach (var (name, value) in obj)
            if (name is not ("apiVersion" or "kind"))
                result[rename(name) ?? name] = value?.DeepClone();
        return result;
    }
}
