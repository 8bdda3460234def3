using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>What a container is checked against beside itself: the names already taken, the pod's volumes, and whose network it is on.</summary>
internal sealed record PodScope(HashSet<string> ContainerNames, HashSet<string> Volumes, bool OnHostNetwork);

/// <summary>One container of a pod.</summary>
internal static class ContainerRules
{
    public static void Check(JsonObject container, string path, PodScope pod, ErrorList errors)
    {
        var name = container.Str("name");
        if (name.Length == 0)
            errors.Required(path + ".name");
        else
            MetadataRules.CheckEach(path + ".name", name, NameRules.DnsLabel, errors);
        if (name.Length > 0 && !pod.ContainerNames.Add(name))
            errors.Duplicate(path + ".name", name);

        var image = container.Str("image");
        if (image.Length == 0)
            errors.Required(path + ".image");
        else if (image.Trim() != image)
            errors.Invalid(path + ".image", image, "must not have leading or trailing whitespace");
        ValueRules.OneOf(path + ".imagePullPolicy", container.Str("imagePullPolicy"), errors, "Always", "IfNotPresent", "Never");
        ValueRules.OneOf(path + ".terminationMessagePolicy", container.Str("terminationMessagePolicy"), errors, "File", "FallbackToLogsOnError");
        CheckPorts(container, path, pod.OnHostNetwork, errors);
        foreach (var (variable, at) in container.Items("env", path))
            CheckVariable(variable, at, errors);
        CheckMounts(container, path, pod.Volumes, errors);
        foreach (var probe in (string[])["livenessProbe", "readinessProbe", "startupProbe"])
        {
            if (container.Obj(probe) is { } body)
                CheckProbe(body, $"{path}.{probe}", mustBeOne: probe != "readinessProbe", errors);
        }

        ResourceRules.Check(container.Obj("resources"), path + ".resources", errors);
    }

    private static void CheckPorts(JsonObject container, string path, bool onHost, ErrorList errors)
    {
        var names = new HashSet<string>();
        foreach (var (port, at) in container.Items("ports", path))
        {
            if (port.Str("name") is { Length: > 0 } name)
            {
                MetadataRules.CheckEach(at + ".name", name, NameRules.PortName, errors);
                if (!names.Add(name))
                    errors.Duplicate(at + ".name", name);
            }

            var number = port.Int("containerPort");
            if (number is null or 0)
                errors.Required(at + ".containerPort");
            else
                ValueRules.Port(at + ".containerPort", number, errors);
            if (port.Int("hostPort") is { } hostPort and not 0)
            {
                ValueRules.Port(at + ".hostPort", hostPort, errors);
                if (onHost && hostPort != number)
                    errors.Invalid(at + ".hostPort", hostPort, "must match `containerPort` when `hostNetwork` is true");
            }

            ValueRules.OneOf(at + ".protocol", port.Str("protocol"), errors, "SCTP", "TCP", "UDP");
        }
    }

    private static void CheckVariable(JsonObject variable, string path, ErrorList errors)
    {
        if (variable.Str("name").Length == 0)
            errors.Required(path + ".name");
        else
            MetadataRules.CheckEach(path + ".name", variable.Str("name"), NameRules.EnvironmentName, errors);
        if (variable.Obj("valueFrom") is not { } from)
            return;
        if (from.Count == 0)
            errors.Invalid(path + ".valueFrom", "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`");
        else if (variable.Str("value").Length > 0)
            errors.Invalid(path + ".valueFrom", "", "may not be specified when `value` is not empty");
        else if (from.Count > 1)
            errors.Invalid(path + ".valueFrom", "", "may not have more than one field specified at a time");
        if (from.Obj("fieldRef") is { } field)
            CheckFieldPath(field, path + ".valueFrom.fieldRef.fieldPath", errors);
    }

    private static void CheckFieldPath(JsonObject reference, string path, ErrorList errors)
    {
        string[] supported =
            ["metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"];
        var field = reference.Str("fieldPath");
        if (field.Length == 0)
            errors.Required(path);
        else if (!supported.Contains(field)
                 && !((field.StartsWith("metadata.labels['", StringComparison.Ordinal) || field.StartsWith("metadata.annotations['", StringComparison.Ordinal))
                     && field.EndsWith("']", StringComparison.Ordinal)))
            errors.NotSupported(path, field, supported);
    }

    private static void CheckMounts(JsonObject container, string path, HashSet<string> volumes, ErrorList errors)
    {
        var paths = new HashSet<string>();
        foreach (var (mount, at) in container.Items("volumeMounts", path))
        {
            var name = mount.Str("name");
            if (name.Length == 0)
                errors.Required(at + ".name");
            else if (!volumes.Contains(name))
                errors.NotFound(at + ".name", name);
            var mountPath = mount.Str("mountPath");
            if (mountPath.Length == 0)
                errors.Required(at + ".mountPath");
            else if (!paths.Add(mountPath))
                errors.Invalid(at + ".mountPath", mountPath, "must be unique");
        }
    }

    private static void CheckProbe(JsonObject probe, string path, bool mustBeOne, ErrorList errors)
    {
        var handlers = probe.Where(member => member.Key is "exec" or "httpGet" or "tcpSocket" or "grpc").Select(member => member.Key).ToList();
        if (handlers.Count == 0)
            errors.Required(path, "must specify a handler type");
        foreach (var extra in handlers.Skip(1))
            errors.Forbidden($"{path}.{extra}", "may not specify more than 1 handler type");
        if (probe.Obj("httpGet") is { } http)
        {
            ValueRules.PortOrName(path + ".httpGet.port", http["port"], errors);
            ValueRules.OneOf(path + ".httpGet.scheme", http.Str("scheme"), errors, "HTTP", "HTTPS");
        }

        if (probe.Obj("tcpSocket") is { } tcp)
            ValueRules.PortOrName(path + ".tcpSocket.port", tcp["port"], errors);
        if (probe.Obj("grpc") is { } grpc)
            ValueRules.Port(path + ".grpc.port", grpc.Int("port"), errors);
        if (probe.Obj("exec") is { } exec && exec.List("command") is null or { Count: 0 })
            errors.Required(path + ".exec.command");
        foreach (var count in (string[])["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"])
            ValueRules.NotNegative($"{path}.{count}", probe.Int(count), errors);
        if (mustBeOne && probe.Int("successThreshold") is { } threshold and not 1)
            errors.Invalid(path + ".successThreshold", threshold, "must be 1");
    }
}
