using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>Jobs pick their pods by a label that no other job can have, unless their author says otherwise (<c>manualSelector</c>).</summary>
internal sealed class JobStrategy : ResourceStrategy
{
    private const string ControllerUid = "batch.kubernetes.io/controller-uid";

    public override void PrepareCreate(JsonObject obj, WriteScope scope)
    {
        if (obj["spec"] is not JsonObject spec || spec.Flag("manualSelector") == true) return;
        var uid = (obj["metadata"] as JsonObject).Text("uid");
        var name = (obj["metadata"] as JsonObject).Text("name");
        var labels = spec.Child("template").Child("metadata").Child("labels");
        foreach (var label in (ReadOnlySpan<string>)[ControllerUid, "controller-uid"]) labels[label] = uid;
        foreach (var label in (ReadOnlySpan<string>)["batch.kubernetes.io/job-name", "job-name"]) labels[label] = name;
        spec["selector"] = new JsonObject { ["matchLabels"] = new JsonObject { [ControllerUid] = uid } };
    }
}
