using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Auth.Rbac;

/// <summary>A ClusterRole every cluster has, and whom it is bound to.</summary>
/// <param name="Name">Of the role, and of its ClusterRoleBinding.</param>
/// <param name="Rules">What it allows; empty for a role that is made of others.</param>
internal sealed record DefaultRole(string Name, params PolicyRule[] Rules)
{
    private const string AggregateTo = RbacIndex.Group + "/aggregate-to-";
    private static readonly (string, string) Bootstrapping = ("kubernetes.io/bootstrapping", "rbac-defaults");

    /// <summary>The role this one is a part of: <c>edit</c>.</summary>
    public string? PartOf { get; init; }

    /// <summary>Whether its rules are those of the roles labelled as parts of it.</summary>
    public bool IsAggregated { get; init; }

    /// <summary>Users, groups (<c>group:NAME</c>) and service accounts of kube-system (<c>account:NAME</c>); null when nobody is bound to it from the start.</summary>
    public string[]? BoundTo { get; init; }

    public JsonObject ToRole()
    {
        var role = new JsonObject { ["metadata"] = Metadata() };
        if (IsAggregated)
            role["aggregationRule"] = new JsonObject
            {
                ["clusterRoleSelectors"] = new JsonArray(new JsonObject { ["matchLabels"] = new JsonObject { [AggregateTo + Name] = "true" } }),
            };
        role["rules"] = new JsonArray([.. Rules.Select(r => r.ToJson())]);
        return role;
    }

    public JsonObject? ToBinding() => BoundTo is null ? null : new()
    {
        ["metadata"] = Metadata(),
        ["roleRef"] = new JsonObject { ["apiGroup"] = RbacIndex.Group, ["kind"] = "ClusterRole", ["name"] = Name },
        ["subjects"] = new JsonArray([.. BoundTo.Select(Subject)]),
    };

    private JsonObject Metadata()
    {
        var labels = new JsonObject { [Bootstrapping.Item1] = Bootstrapping.Item2 };
        if (PartOf is not null) labels[AggregateTo + PartOf] = "true";
        return new() { ["name"] = Name, ["annotations"] = new JsonObject { [Reconciliation.AutoUpdate] = "true" }, ["labels"] = labels };
    }

    private static JsonObject Subject(string text) => text.Split(':', 2) switch
    {
        ["group", var group] => new() { ["apiGroup"] = RbacIndex.Group, ["kind"] = "Group", ["name"] = group },
        ["account", var account] => new() { ["kind"] = "ServiceAccount", ["name"] = account, ["namespace"] = "kube-system" },
        _ => new() { ["apiGroup"] = RbacIndex.Group, ["kind"] = "User", ["name"] = text },
    };
}
