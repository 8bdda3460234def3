using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>
/// Lists, whole or in pages. A first page that is not the last keeps the snapshot it was cut from (references only), so that all pages
/// show one moment; when the snapshot is gone, the client is told to start again.
/// </summary>
internal sealed class ListRequests(ServerContext server)
{
    private const int MaxSnapshots = 64;
    private static readonly TimeSpan SnapshotLife = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Snapshot> _snapshots = new(StringComparer.Ordinal);

    private sealed record Snapshot(string Resource, string? Namespace, StoredObject[] Objects, long Revision, DateTimeOffset Until);

    public ListPage List(Target target, IReadOnlyDictionary<string, string> query)
    {
        var labels = LabelSelector.Parse(query.GetValueOrDefault("labelSelector"));
        var fields = FieldSelector.Parse(query.GetValueOrDefault("fieldSelector"), target.Kind, target.Storage);
        var limit = query.TryGetValue("limit", out var l) && int.TryParse(l, out var parsed) && parsed > 0 ? parsed : int.MaxValue;
        if (query.TryGetValue("continue", out var token) && token.Length > 0) return Continue(target, token, limit);
        if (query.TryGetValue("resourceVersion", out var rv) && rv.Length > 0)
        {
            if (!long.TryParse(rv, out var asked) || asked < 0)
                throw ApiErrors.BadRequest($"resourceVersion: Invalid value: \"{rv}\": strconv.ParseUint: parsing \"{rv}\": invalid syntax");
            if (asked > server.Store.Revision) throw ApiErrors.TooLargeVersion(asked, server.Store.Revision);
        }

        var (objects, revision) = server.Store.List(target.Storage, target.Namespace);
        if (!labels.IsEmpty || !fields.IsEmpty)
            objects = [.. objects.Where(o => (fields.IsEmpty || fields.Matches(o)) && (labels.IsEmpty || labels.Matches(o.Labels)))];
        return Cut(new(target.Storage, target.Namespace, objects, revision, server.Clock.GetUtcNow() + SnapshotLife), null, 0, limit);
    }

    private ListPage Continue(Target target, string token, int limit)
    {
        string? id = null;
        var at = 0;
        try
        {
            var node = JsonNode.Parse(Convert.FromBase64String(token)) as JsonObject;
            (id, at) = (node.Text("s"), (int)(node.Whole("at") ?? 0));
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            throw ApiErrors.BadRequest($"continue key is not valid: {e.Message}");
        }

        Snapshot? snapshot;
        lock (_lock) snapshot = id is null ? null : _snapshots.GetValueOrDefault(id);
        if (snapshot is null || snapshot.Resource != target.Storage || snapshot.Namespace != target.Namespace || at < 0 || at > snapshot.Objects.Length)
            throw ApiErrors.Expired("The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.");
        return Cut(snapshot, id, at, limit);
    }

    private ListPage Cut(Snapshot snapshot, string? id, int at, int limit)
    {
        var end = (int)Math.Min((long)at + limit, snapshot.Objects.Length);
        var page = at == 0 && end == snapshot.Objects.Length ? snapshot.Objects : snapshot.Objects[at..end];
        if (end == snapshot.Objects.Length)
        {
            if (id is not null)
                lock (_lock)
                    _snapshots.Remove(id);
            return new(page, snapshot.Revision, null, null);
        }

        id ??= Keep(snapshot);
        var token = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{{\"s\":\"{id}\",\"at\":{end}}}"));
        return new(page, snapshot.Revision, token, snapshot.Objects.Length - end);
    }

    private string Keep(Snapshot snapshot)
    {
        var id = Guid.NewGuid().ToString("N");
        var now = server.Clock.GetUtcNow();
        lock (_lock)
        {
            foreach (var old in _snapshots.Where(s => s.Value.Until < now).ToList()) _snapshots.Remove(old.Key);
            if (_snapshots.Count >= MaxSnapshots) _snapshots.Remove(_snapshots.MinBy(s => s.Value.Until).Key);
            _snapshots[id] = snapshot;
        }

        return id;
    }
}
