using System.Text;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>Nodes report their own status from the first write on.</summary>
internal sealed class NodeStrategy : ResourceStrategy
{
    public override bool KeepsStatusOnCreate => true;

    public override void PrepareCreate(JsonObject obj, WriteScope scope)
    {
        if (scope.By?.Identity.Node is not { } node || obj.Child("metadata").Text("name") is var name && name == node) return;
        throw new ApiException(403, "Forbidden", $"nodes \"{name}\" is forbidden: node \"{node}\" is not allowed to modify node \"{name}\"") { Name = name, Kind = "nodes" };
    }

    public override void PrepareUpdate(JsonObject obj, JsonObject old, WriteScope scope)
    {
        // podCIDR is given once and then kept, also when a node agent registers anew without it.
        if (obj["spec"] is not JsonObject spec || old["spec"] is not JsonObject before) return;
        foreach (var field in (ReadOnlySpan<string>)["podCIDR", "podCIDRs"])
            if (spec[field] is null && before[field] is { } value)
                spec[field] = value.DeepClone();
    }
}

/// <summary>Namespaces carry the finalizer <c>kubernetes</c> in their spec, which the namespace controller takes away when they are empty.</summary>
internal sealed class NamespaceStrategy : ResourceStrategy
{
    public override void PrepareCreate(JsonObject obj, WriteScope scope)
    {
        var finalizers = obj.Child("spec")["finalizers"] as JsonArray ?? [];
        if (!finalizers.Any(f => (string?)f == "kubernetes")) finalizers.Add((JsonNode)"kubernetes");
        if (finalizers.Parent is null) obj.Child("spec")["finalizers"] = finalizers;
        obj["status"] = new JsonObject { ["phase"] = "Active" };
        obj.Child("metadata").Child("labels")["kubernetes.io/metadata.name"] = (string?)obj["metadata"]!["name"];
    }

    public override void PrepareUpdate(JsonObject obj, JsonObject old, WriteScope scope)
    {
        // Only /finalize changes them.
        obj.Child("spec")["finalizers"] = old["spec"]?["finalizers"]?.DeepClone();
        obj.Child("metadata").Child("labels")["kubernetes.io/metadata.name"] = (string?)obj["metadata"]!["name"];
    }

    public override void PrepareDelete(JsonObject obj) => obj.Child("status")["phase"] = "Terminating";

    public override bool HoldsDeletion(JsonObject obj) => obj["spec"]?["finalizers"] is JsonArray { Count: > 0 };
}

/// <summary>Secrets: <c>stringData</c> is a convenience for writing.</summary>
internal sealed class SecretStrategy : ResourceStrategy
{
    public override void PrepareCreate(JsonObject obj, WriteScope scope)
    {
        if (obj["stringData"] is not JsonObject plain) return;
        var data = obj.Child("data");
        foreach (var (name, value) in plain) data[name] = Convert.ToBase64String(Encoding.UTF8.GetBytes((string?)value ?? ""));
        obj.Remove("stringData");
    }

    public override void PrepareUpdate(JsonObject obj, JsonObject old, WriteScope scope) => PrepareCreate(obj, scope);
}

/// <summary>CustomResourceDefinitions are established at once: nothing here takes time.</summary>
internal sealed class DefinitionStrategy(KindRegistry kinds, TimeProvider clock) : ResourceStrategy
{
    public const string CleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

    public override void PrepareCreate(JsonObject obj, WriteScope scope)
    {
        var status = obj["status"] as JsonObject ?? [];
        if (status.Parent is null) obj["status"] = status;
        Establish(obj, status);
    }

    public override void PrepareUpdate(JsonObject obj, JsonObject old, WriteScope scope)
    {
        var status = (JsonObject?)old["status"]?.DeepClone() ?? [];
        obj["status"] = status;
        Establish(obj, status);
    }

    public override void PrepareDelete(JsonObject obj)
    {
        // Its objects go first; the cleanup takes the finalizer away after them.
        var metadata = obj.Child("metadata");
        var finalizers = metadata["finalizers"] as JsonArray ?? [];
        if (!finalizers.Any(f => (string?)f == CleanupFinalizer)) finalizers.Add((JsonNode)CleanupFinalizer);
        if (finalizers.Parent is null) metadata["finalizers"] = finalizers;
        SetCondition(obj.Child("status"), "Terminating", "True", "InstanceDeletionPending", "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon");
    }

    private void Establish(JsonObject crd, JsonObject status)
    {
        if (crd["spec"] is not JsonObject spec || spec["names"] is not JsonObject names) return;
        var group = spec.Text("group") ?? "";
        var plural = names.Text("plural") ?? "";
        var kind = names.Text("kind");
        var own = $"{plural}.{group}";
        var taken = kinds.All.Any(r => r.Group == group && r.Definition != own && (r.Plural == plural || r.StorageKind.Kind == kind));
        var accepted = (JsonObject)names.DeepClone();
        if (accepted.Text("singular") is null && kind is not null)
#pragma warning disable CA1308 // resource names are lower case
            accepted["singular"] = kind.ToLowerInvariant();
#pragma warning restore CA1308
        if (accepted.Text("listKind") is null) accepted["listKind"] = kind + "List";
        status["acceptedNames"] = taken ? new JsonObject { ["plural"] = "", ["kind"] = "" } : accepted;
        SetCondition(status, "NamesAccepted", taken ? "False" : "True", taken ? "NamesConflict" : "NoConflicts", taken ? $"\"{plural}\" is already in use" : "no conflicts found");
        SetCondition(status, "Established", taken ? "False" : "True", taken ? "NotAccepted" : "InitialNamesAccepted",
            taken ? "not all names are accepted" : "the initial names have been accepted");
        var stored = status["storedVersions"] as JsonArray ?? [];
        foreach (var version in spec["versions"] as JsonArray ?? [])
            if (version is JsonObject v && v.Flag("storage") == true && v.Text("name") is { } name && !stored.Any(s => (string?)s == name))
                stored.Add((JsonNode)name);
        if (stored.Parent is null) status["storedVersions"] = stored;
    }

    private void SetCondition(JsonObject status, string type, string value, string reason, string message)
    {
        var conditions = status["conditions"] as JsonArray ?? [];
        if (conditions.Parent is null) status["conditions"] = conditions;
        var condition = conditions.OfType<JsonObject>().FirstOrDefault(c => c.Text("type") == type);
        if (condition is null) conditions.Add((JsonNode)(condition = new JsonObject { ["type"] = type }));
        if (condition.Text("status") != value) condition["lastTransitionTime"] = JsonText.Time(clock.GetUtcNow());
        condition["status"] = value;
        condition["reason"] = reason;
        condition["message"] = message;
    }
}
