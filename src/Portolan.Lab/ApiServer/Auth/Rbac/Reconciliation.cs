using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Auth.Rbac;

/// <summary>
/// Puts the default roles and bindings in place whenever the server starts: what is missing is created; what is there gets back the rules and subjects it
/// lost and keeps what it was given, unless its owner said hands off.
/// </summary>
internal sealed class Reconciliation(ServerContext server, ObjectCreation creation, ObjectUpdate update)
{
    /// <summary>The annotation that, when "false", keeps an object from being brought up to date.</summary>
    public const string AutoUpdate = RbacIndex.Group + "/autoupdate";

    private static readonly WriteOptions Options = new(false, FieldValidation.Strict, null, false);

    /// <summary>All at once: they end up in a few batches of the store.</summary>
    public Task RunAsync(CancellationToken cancellation)
    {
        var steps = new List<Task>();
        foreach (var role in DefaultRoles.All)
        {
            steps.Add(EnsureAsync("clusterroles", role.ToRole(), AddRules, cancellation));
            if (role.ToBinding() is { } binding) steps.Add(EnsureAsync("clusterrolebindings", binding, AddSubjects, cancellation));
        }

        return Task.WhenAll(steps);
    }

    private async Task EnsureAsync(string plural, JsonObject wanted, Action<JsonObject, JsonObject> complete, CancellationToken cancellation)
    {
        var resource = server.Kinds.Find(RbacIndex.Group, plural)!;
        var name = wanted.Obj("metadata").Str("name");
        var target = new Target(resource, resource.StorageKind, null, name, null);
        if (server.Store.Find(target.Storage, target.Key) is null)
        {
            await creation.CreateAsync(target with { Name = null }, new ParsedBody(wanted, []), Options, cancellation);
            return;
        }

        await update.ChangeAsync(target, current =>
        {
            if (current.Obj("metadata").Obj("annotations").Str(AutoUpdate) != "false") complete(current, wanted);
            return current;
        }, Options, cancellation);
    }

    private static void AddRules(JsonObject role, JsonObject wanted)
    {
        var held = PolicyRule.ReadAll(role);
        var rules = role["rules"] as JsonArray ?? [];
        foreach (var (rule, _) in wanted.Items("rules", ""))
            if (RuleCover.Missing(held, [PolicyRule.Read(rule)]).Count > 0)
                rules.Add(rule.DeepClone());
        if (rules.Parent is null) role["rules"] = rules;
    }

    private static void AddSubjects(JsonObject binding, JsonObject wanted)
    {
        var subjects = binding["subjects"] as JsonArray ?? [];
        foreach (var (subject, _) in wanted.Items("subjects", ""))
            if (!subjects.Any(s => JsonNode.DeepEquals(s, subject)))
                subjects.Add(subject.DeepClone());
        if (subjects.Count > 0 && subjects.Parent is null) binding["subjects"] = subjects;
    }
}
