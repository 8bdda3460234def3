using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Auth;

/// <summary>The Secrets and ConfigMaps a pod names: those its node must be able to read.</summary>
internal static class PodReferences
{
    /// <param name="pod">The pod.</param>
    /// <param name="resource"><c>secrets</c> or <c>configmaps</c>.</param>
    /// <param name="name">Of the object.</param>
    public static bool Name(JsonObject pod, string resource, string name)
    {
        var secret = resource == "secrets";
        var spec = pod.Obj("spec");
        if (secret && spec.Items("imagePullSecrets", "").Any(s => s.Item.Str("name") == name)) return true;
        foreach (var (volume, _) in spec.Items("volumes", ""))
        {
            if (secret ? volume.Obj("secret").Str("secretName") == name : volume.Obj("configMap").Str("name") == name) return true;
            foreach (var (source, _) in volume.Obj("projected").Items("sources", ""))
                if (source.Obj(secret ? "secret" : "configMap").Str("name") == name)
                    return true;
        }

        foreach (var list in (ReadOnlySpan<string>)["containers", "initContainers", "ephemeralContainers"])
            foreach (var (container, _) in spec.Items(list, ""))
            {
                foreach (var (from, _) in container.Items("envFrom", ""))
                    if (from.Obj(secret ? "secretRef" : "configMapRef").Str("name") == name)
                        return true;
                foreach (var (variable, _) in container.Items("env", ""))
                    if (variable.Obj("valueFrom").Obj(secret ? "secretKeyRef" : "configMapKeyRef").Str("name") == name)
                        return true;
            }

        return false;
    }
}
