using System.Text.Json.Nodes;
using System.Threading.Channels;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Auth.Rbac;

/// <summary>Fills in the rules of ClusterRoles that are made of others (<c>aggregationRule</c>), whenever a role that could be a part changes.</summary>
internal sealed class RoleAggregation
{
    private static readonly WriteOptions Options = new(false, FieldValidation.Ignore, null, false);

    private readonly ServerContext _server;
    private readonly ObjectUpdate _update;

    // One token is enough: a look covers all roles.
    private readonly Channel<bool> _look = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public RoleAggregation(ServerContext server, ObjectUpdate update)
    {
        (_server, _update) = (server, update);
        server.Store.Committed += e =>
        {
            if (e.New.Resource == RbacIndex.ClusterRoles && (Matters(e.New) || (e.Old is { } old && Matters(old)))) _look.Writer.TryWrite(true);
        };
    }

    public async Task RunAsync(CancellationToken cancellation)
    {
        while (await _look.Reader.WaitToReadAsync(cancellation))
        {
            _look.Reader.TryRead(out _);
            await AggregateAsync(cancellation);
        }
    }

    /// <summary>Brings all aggregated roles up to date. One can be part of another (view of edit, edit of admin), so until nothing changes.</summary>
    public async Task AggregateAsync(CancellationToken cancellation)
    {
        while (await ChangeAsync(cancellation))
        {
        }
    }

    /// <returns>Whether a role changed.</returns>
    private async Task<bool> ChangeAsync(CancellationToken cancellation)
    {
        var changed = false;
        var resource = _server.Kinds.Find(RbacIndex.Group, "clusterroles")!;
        var stored = _server.Store.List(RbacIndex.ClusterRoles, null).Objects;
        var roles = stored.Select(o => (Object: o, Role: StoredForm.Parse(o))).ToList();
        foreach (var (obj, role) in roles.Where(r => r.Role["aggregationRule"] is JsonObject))
        {
            var rules = Union(obj.Key.Name, role.Obj("aggregationRule").Items("clusterRoleSelectors", "").Select(s => s.Item).ToList(), roles);
            if (JsonNode.DeepEquals(rules, role["rules"] ?? new JsonArray())) continue;
            changed = true;
            try
            {
                await _update.ChangeAsync(new(resource, resource.StorageKind, null, obj.Key.Name, null), current =>
                {
                    current["rules"] = rules.DeepClone();
                    return current;
                }, Options, cancellation);
            }
            catch (ApiException e) when (e.Reason == "NotFound")
            {
                // Deleted meanwhile.
            }
        }

        return changed;
    }

    private static JsonArray Union(string self, List<JsonObject> selectors, List<(StoredObject Object, JsonObject Role)> roles)
    {
        var union = new JsonArray();
        foreach (var (obj, role) in roles)
        {
            if (obj.Key.Name == self || !selectors.Exists(s => SelectorObject.Matches(s, obj.Labels))) continue;
            foreach (var (rule, _) in role.Items("rules", ""))
                if (!union.Any(r => JsonNode.DeepEquals(r, rule)))
                    union.Add(rule.DeepClone());
        }

        return union;
    }

    private static bool Matters(StoredObject role) => role.Labels.Count > 0 || role.Json.AsSpan().IndexOf("\"aggregationRule\""u8) >= 0;
}
