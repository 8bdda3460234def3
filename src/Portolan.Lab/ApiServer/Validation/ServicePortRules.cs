using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>The ports of a Service: each well-formed, no two alike.</summary>
internal static class ServicePortRules
{
    public static void Check(JsonObject? spec, ErrorList errors)
    {
        var many = spec.List("ports")?.Count > 1;
        var type = spec.Str("type");
        var names = new HashSet<string>();
        var fronts = new HashSet<(string, long)>();
        var nodePorts = new HashSet<(string, long)>();
        foreach (var (port, path) in spec.Items("ports", "spec"))
        {
            CheckName(port, path, many, names, errors);
            var protocol = port.Str("protocol");
            var number = port.Int("port");
            ValueRules.Port(path + ".port", number, errors);
            ValueRules.OneOf(path + ".protocol", protocol, errors, "SCTP", "TCP", "UDP");
            ValueRules.PortOrName(path + ".targetPort", port["targetPort"], errors);
            if (port.Str("appProtocol") is { Length: > 0 } application)
                MetadataRules.CheckEach(path + ".appProtocol", application, NameRules.QualifiedName, errors);
            if (number is { } front && !fronts.Add((protocol, front)))
                errors.Duplicate(path, new JsonObject { ["port"] = front, ["protocol"] = protocol });

            if (port.Int("nodePort") is not { } nodePort)
                continue;
            if (type is "ClusterIP" or "ExternalName")
                errors.Forbidden(path + ".nodePort", $"may not be used when `type` is '{type}'");
            else if (!nodePorts.Add((protocol, nodePort)))
                errors.Duplicate(path + ".nodePort", nodePort);
        }
    }

    private static void CheckName(JsonObject port, string path, bool required, HashSet<string> names, ErrorList errors)
    {
        var name = port.Str("name");
        if (name.Length == 0)
        {
            if (required)
                errors.Required(path + ".name");
            return;
        }

        MetadataRules.CheckEach(path + ".name", name, NameRules.DnsLabel, errors);
        if (!names.Add(name))
            errors.Duplicate(path + ".name", name);
    }
}
