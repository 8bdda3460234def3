using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;

namespace Portolan.Lab.ApiServer.Admission.PodSecurity;

/// <summary>Workloads: their pods' template is looked at when it comes, so that its author hears what will become of the pods.</summary>
internal sealed class PodTemplateStrategy(PodSecurityAdmission security) : ResourceStrategy
{
    public override void PrepareCreate(JsonObject obj, WriteScope scope) => security.CheckTemplate(obj, scope);

    public override void PrepareUpdate(JsonObject obj, JsonObject old, WriteScope scope)
    {
        if (!JsonNode.DeepEquals(obj["spec"], old["spec"])) security.CheckTemplate(obj, scope);
    }
}
