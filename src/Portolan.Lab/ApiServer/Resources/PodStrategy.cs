using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Admission.PodSecurity;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>Pods: first status, quality of service, the service account and its token volume, the tolerations every pod has, graceful deletion.</summary>
/// <param name="tolerationSeconds">How long a pod that says nothing stays on a node that is not Ready or not reachable.</param>
internal sealed class PodStrategy(long tolerationSeconds, ObjectStore store, PodSecurityAdmission security) : ResourceStrategy
{
    private const string TokenMount = "/var/run/secrets/kubernetes.io/serviceaccount";

    public override void PrepareCreate(JsonObject obj, WriteScope scope)
    {
        if (obj["spec"] is not JsonObject spec) return;
        obj["status"] = new JsonObject { ["phase"] = "Pending", ["qosClass"] = QualityOfService(spec) };
        var account = spec.Text("serviceAccountName");
        if (string.IsNullOrEmpty(account)) account = spec.Text("serviceAccount");
        if (string.IsNullOrEmpty(account)) account = "default";
        spec["serviceAccountName"] = account;
        spec["serviceAccount"] = account;
        if (spec.Flag("automountServiceAccountToken") ?? MountsToken(obj.Child("metadata").Text("namespace") ?? "", account)) MountToken(spec);
        AddToleration(spec, "node.kubernetes.io/not-ready");
        AddToleration(spec, "node.kubernetes.io/unreachable");
        spec["priority"] ??= spec.Text("priorityClassName") switch { "system-node-critical" => 2000001000, "system-cluster-critical" => 2000000000, _ => 0 };
        spec["preemptionPolicy"] ??= "PreemptLowerPriority";
        security.CheckPod(obj, scope);
    }

    public override long? GracePeriod(JsonObject obj, long? asked)
    {
        var spec = obj["spec"] as JsonObject;
        if (string.IsNullOrEmpty(spec.Text("nodeName"))) return 0;
        if ((obj["status"] as JsonObject).Text("phase") is "Succeeded" or "Failed") return 0;
        return Math.Max(0, asked ?? spec.Whole("terminationGracePeriodSeconds") ?? 30);
    }

    // A pod that does not say is as its account wants it.
    private bool MountsToken(string ns, string account) => store.Find("serviceaccounts", new(ns, account)) is not { } stored || StoredForm.Parse(stored).Flag("automountServiceAccountToken") != false;

    private static void MountToken(JsonObject spec)
    {
        var volumes = spec["volumes"] as JsonArray ?? [];
        var volume = volumes.OfType<JsonObject>().Select(v => v.Text("name")).FirstOrDefault(n => n?.StartsWith("kube-api-access-", StringComparison.Ordinal) == true);
        var needed = false;
        var name = volume ?? $"kube-api-access-{RandomNumberGenerator.GetString("bcdfghjklmnpqrstvwxz2456789", 5)}";
        foreach (var list in (ReadOnlySpan<string>)["initContainers", "containers"])
            foreach (var container in (spec[list] as JsonArray ?? []).OfType<JsonObject>())
            {
                var mounts = container["volumeMounts"] as JsonArray ?? [];
                if (mounts.OfType<JsonObject>().Any(m => m.Text("mountPath") == TokenMount)) continue;
                mounts.Add((JsonNode)new JsonObject { ["name"] = name, ["readOnly"] = true, ["mountPath"] = TokenMount });
                if (mounts.Parent is null) container["volumeMounts"] = mounts;
                needed = true;
            }

        if (!needed || volume is not null) return;
        volumes.Add((JsonNode)new JsonObject
        {
            ["name"] = name,
            ["projected"] = new JsonObject
            {
                ["defaultMode"] = 420,
                ["sources"] = new JsonArray(
                    new JsonObject { ["serviceAccountToken"] = new JsonObject { ["expirationSeconds"] = 3607, ["path"] = "token" } },
                    new JsonObject { ["configMap"] = new JsonObject { ["name"] = "kube-root-ca.crt", ["items"] = new JsonArray(new JsonObject { ["key"] = "ca.crt", ["path"] = "ca.crt" }) } },
                    new JsonObject
                    {
                        ["downwardAPI"] = new JsonObject
                        {
                            ["items"] = new JsonArray(new JsonObject
                            {
                                ["path"] = "namespace",
                                ["fieldRef"] = new JsonObject { ["apiVersion"] = "v1", ["fieldPath"] = "metadata.namespace" },
                            }),
                        },
                    }),
            },
        });
        if (volumes.Parent is null) spec["volumes"] = volumes;
    }

    private void AddToleration(JsonObject spec, string key)
    {
        var tolerations = spec["tolerations"] as JsonArray ?? [];
        foreach (var toleration in tolerations.OfType<JsonObject>())
            if ((toleration.Text("key") ?? "") is var k && (k.Length == 0 || k == key) && (toleration.Text("effect") ?? "") is "" or "NoExecute")
                return;
        tolerations.Add((JsonNode)new JsonObject { ["key"] = key, ["operator"] = "Exists", ["effect"] = "NoExecute", ["tolerationSeconds"] = tolerationSeconds });
        if (tolerations.Parent is null) spec["tolerations"] = tolerations;
    }

    // Guaranteed: every container limits cpu and memory and requests the same; BestEffort: none says anything.
    private static string QualityOfService(JsonObject spec)
    {
        bool any = false, all = true;
        foreach (var list in (ReadOnlySpan<string>)["initContainers", "containers"])
            foreach (var container in (spec[list] as JsonArray ?? []).OfType<JsonObject>())
            {
                var limits = container["resources"]?["limits"] as JsonObject;
                var requests = container["resources"]?["requests"] as JsonObject;
                foreach (var resource in (ReadOnlySpan<string>)["cpu", "memory"])
                {
                    var limit = limits?[resource]?.ToString();
                    var request = requests?[resource]?.ToString();
                    if (limit is not null || request is not null) any = true;
                    if (limit is null || (request is not null && request != limit)) all = false;
                }
            }

        return !any ? "BestEffort" : all ? "Guaranteed" : "Burstable";
    }
}
