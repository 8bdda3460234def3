using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.FieldOwnership;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.Tests.Schema;

namespace Portolan.Lab.Tests.FieldOwnership;

/// <summary>An object and its managers, written by several: what a server would hold after each write.</summary>
internal sealed class Managed(KindSchema kind, params KindSchema[] others)
{
    private int _seconds;

    public JsonObject? Object { get; private set; }

    public ManagedFields Managers { get; private set; } = ManagedFields.None;

    /// <summary>Every read of another version in turn: the object itself but for its apiVersion, and what <see cref="Rename"/> does.</summary>
    public Action<JsonObject, KindSchema>? Rename { get; init; }

    public void Apply(string manager, JsonObject body, bool force = false, KindSchema? version = null)
    {
        var spoken = version ?? kind;
        var live = Object is null ? null : Converted(Object, kind, spoken);
        var result = Manager(spoken).ApplyAsync(live, Typed(body, spoken), Managers, manager, null, force).AsTask().GetAwaiter().GetResult();
        Object = Converted(result.Object, spoken, kind);
        Managers = result.Managers;
    }

    public void Apply(string manager, string body, bool force = false, KindSchema? version = null) => Apply(manager, Kinds.Json(body), force, version);

    public void Update(string manager, string body, KindSchema? version = null)
    {
        var spoken = version ?? kind;
        var after = Typed(Kinds.Json(body), spoken);
        var live = Object is null ? null : Converted(Object, kind, spoken);
        Managers = Manager(spoken).UpdateAsync(live, after, Managers, manager, null).AsTask().GetAwaiter().GetResult();
        Object = Converted(after, spoken, kind);
    }

    public void Forget() => Managers = ManagedFields.None;

    /// <returns>What an apply without force is told.</returns>
    public string[] Conflicts(string manager, string body, KindSchema? version = null) =>
        [.. Assert.Throws<ApplyConflictException>(() => Apply(manager, body, version: version)).Conflicts.Select(c => $"{c.Manager.Manager} {c.Field}").Order(StringComparer.Ordinal)];

    /// <summary>The object without its type.</summary>
    public string State()
    {
        var copy = (JsonObject)Object!.DeepClone();
        copy.Remove("apiVersion");
        copy.Remove("kind");
        return copy.ToJsonString();
    }

    /// <summary>What a manager has, in the wire form; null when it has nothing.</summary>
    public string? Fields(string manager) => Managers.Entries.FirstOrDefault(e => e.Who.Manager == manager)?.Fields.Json;

    private FieldManager Manager(KindSchema spoken) =>
        new(spoken, [kind, .. others], (obj, to) => new(Converted(obj, ((KindSchema[])[kind, .. others]).First(v => v.ApiVersion == (string?)obj["apiVersion"]), to)), $"2026-01-01T00:00:{_seconds++:00}Z");

    private JsonObject Converted(JsonObject obj, KindSchema from, KindSchema to)
    {
        var copy = (JsonObject)obj.DeepClone();
        if (from.Version == to.Version) return copy;
        copy["apiVersion"] = to.ApiVersion;
        Rename?.Invoke(copy, to);
        return copy;
    }

    private static JsonObject Typed(JsonObject body, KindSchema version)
    {
        body["apiVersion"] = version.ApiVersion;
        body["kind"] = version.Kind;
        return body;
    }
}
