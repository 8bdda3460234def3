using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>What a pod's spec says when its author says nothing; the same for pods and for the templates of workloads.</summary>
internal static class PodDefaults
{
    // 0644, the mode of projected files.
    private const int FileMode = 420;

    public static void Spec(JsonObject spec)
    {
        spec.SetDefault("restartPolicy", "Always");
        spec.SetDefault("terminationGracePeriodSeconds", 30);
        spec.SetDefault("dnsPolicy", "ClusterFirst");
        spec.SetDefault("schedulerName", "default-scheduler");
        spec.Ensure("securityContext");

        // One setting under its old and its new name.
        if (spec.Str("serviceAccountName") is { Length: > 0 } account)
            spec["serviceAccount"] = account;
        else if (spec.Str("serviceAccount") is { Length: > 0 } former)
            spec["serviceAccountName"] = former;

        var onHost = spec.Flag("hostNetwork") == true;
        foreach (var list in (string[])["initContainers", "containers", "ephemeralContainers"])
        {
            foreach (var (container, _) in spec.Items(list, ""))
                Container(container, onHost);
        }

        foreach (var (volume, _) in spec.Items("volumes", ""))
            Volume(volume);
        foreach (var (constraint, _) in spec.Items("topologySpreadConstraints", ""))
        {
            constraint.SetDefault("nodeAffinityPolicy", "Honor");
            constraint.SetDefault("nodeTaintsPolicy", "Ignore");
        }
    }

    /// <summary>A pod that says how much it may use, and not how much it needs, needs as much.</summary>
    public static void Requests(JsonObject spec)
    {
        foreach (var list in (string[])["initContainers", "containers"])
        {
            foreach (var (container, _) in spec.Items(list, ""))
            {
                if (container.Obj("resources").Obj("limits") is not { Count: > 0 } limits)
                    continue;
                var requests = container.Ensure("resources").Ensure("requests");
                foreach (var (resource, amount) in limits)
                {
                    if (requests[resource] is null)
                        requests[resource] = amount?.DeepClone();
                }
            }
        }
    }

    private static void Container(JsonObject container, bool onHost)
    {
        container.SetDefault("terminationMessagePath", "/dev/termination-log");
        container.SetDefault("terminationMessagePolicy", "File");
        container.SetDefault("imagePullPolicy", IsLatest(container.Str("image")) ? "Always" : "IfNotPresent");
        container.Ensure("resources");
        foreach (var (port, _) in container.Items("ports", ""))
        {
            port.SetDefault("protocol", "TCP");
            if (onHost && port.Int("hostPort") is null or 0 && port.Int("containerPort") is { } number)
                port["hostPort"] = number;
        }

        foreach (var (variable, _) in container.Items("env", ""))
            variable.Obj("valueFrom").Obj("fieldRef")?.SetDefault("apiVersion", "v1");
        foreach (var name in (string[])["livenessProbe", "readinessProbe", "startupProbe"])
        {
            if (container.Obj(name) is { } probe)
                Probe(probe);
        }

        foreach (var hook in (string[])["postStart", "preStop"])
            HttpGet(container.Obj("lifecycle").Obj(hook).Obj("httpGet"));
    }

    private static void Probe(JsonObject probe)
    {
        NonZero(probe, "timeoutSeconds", 1);
        NonZero(probe, "periodSeconds", 10);
        NonZero(probe, "successThreshold", 1);
        NonZero(probe, "failureThreshold", 3);
        HttpGet(probe.Obj("httpGet"));
        if (probe.Obj("grpc") is { } grpc && grpc["service"] is null)
            grpc["service"] = "";
    }

    private static void HttpGet(JsonObject? action)
    {
        action?.SetDefault("path", "/");
        action?.SetDefault("scheme", "HTTP");
    }

    private static void Volume(JsonObject volume)
    {
        // A volume that names no source is scratch space.
        if (volume.Count == 1 && volume.ContainsKey("name"))
            volume["emptyDir"] = new JsonObject();
        volume.Obj("secret")?.SetDefault("defaultMode", FileMode);
        volume.Obj("configMap")?.SetDefault("defaultMode", FileMode);
        FieldItems(volume.Obj("downwardAPI"), withMode: true);
        if (volume.Obj("hostPath") is { } path && path["type"] is null)
            path["type"] = "";
        if (volume.Obj("projected") is not { } projected)
            return;
        projected.SetDefault("defaultMode", FileMode);
        foreach (var (source, _) in projected.Items("sources", ""))
        {
            source.Obj("serviceAccountToken")?.SetDefault("expirationSeconds", 3600);
            FieldItems(source.Obj("downwardAPI"), withMode: false);
        }
    }

    private static void FieldItems(JsonObject? downward, bool withMode)
    {
        if (withMode)
            downward?.SetDefault("defaultMode", FileMode);
        foreach (var (item, _) in downward.Items("items", ""))
            item.Obj("fieldRef")?.SetDefault("apiVersion", "v1");
    }

    /// <summary>An image without a tag or digest, or tagged "latest", may have changed since it was last pulled.</summary>
    private static bool IsLatest(string image)
    {
        if (image.Contains('@', StringComparison.Ordinal))
            return false;
        var colon = image.LastIndexOf(':');
        var tag = colon > image.LastIndexOf('/') ? image[(colon + 1)..] : "";
        return tag.Length == 0 || tag == "latest";
    }

    private static void NonZero(JsonObject to, string name, int value)
    {
        if (to.Int(name) is null or 0)
            to[name] = value;
    }
}
