using System.Net.Sockets;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>EndpointSlices: one address family each, and bounded in size.</summary>
internal static class EndpointSliceRules
{
    private const int MaxEndpoints = 1000;
    private const int MaxAddresses = 100;
    private const int MaxPorts = 20000;

    public static KindRules EndpointSlice { get; } = new()
    {
        Default = static slice =>
        {
            foreach (var (port, _) in slice.Items("ports", ""))
            {
                port["name"] ??= "";
                port.SetDefault("protocol", "TCP");
            }
        },
        Check = Check,
        CheckChange = static (slice, old, errors) => ValueRules.Immutable("addressType", slice["addressType"], old["addressType"], errors),
    };

    private static void Check(JsonObject slice, ErrorList errors)
    {
        var type = slice.Str("addressType");
        ValueRules.OneOf("addressType", type, errors, "FQDN", "IPv4", "IPv6");
        if (slice.List("endpoints") is { Count: > MaxEndpoints } many)
            errors.TooMany("endpoints", many.Count, MaxEndpoints);
        foreach (var (endpoint, at) in slice.Items("endpoints", ""))
        {
            var path = at.TrimStart('.');
            var count = endpoint.List("addresses")?.Count ?? 0;
            if (count == 0)
                errors.Required(path + ".addresses", "must contain at least 1 address");
            else if (count > MaxAddresses)
                errors.TooMany(path + ".addresses", count, MaxAddresses);
            foreach (var (address, addressPath) in endpoint.Strings("addresses", path))
                CheckAddress(type, addressPath, address, errors);
            if (endpoint.Str("hostname") is { Length: > 0 } hostname)
                MetadataRules.CheckEach(path + ".hostname", hostname, NameRules.DnsLabel, errors);
            if (endpoint.Str("nodeName") is { Length: > 0 } node)
                MetadataRules.CheckEach(path + ".nodeName", node, NameRules.DnsSubdomain, errors);
        }

        CheckPorts(slice, errors);
    }

    private static void CheckAddress(string type, string path, string address, ErrorList errors)
    {
        if (type == "FQDN")
        {
            MetadataRules.CheckEach(path, address, NameRules.DnsSubdomain, errors);
            return;
        }

        if (ValueRules.TryAddress(address, out var parsed) && type is "IPv4" or "IPv6" && (parsed.AddressFamily == AddressFamily.InterNetwork) != (type == "IPv4"))
            errors.Invalid(path, address, $"must be an {type} address");
        ValueRules.RoutableAddress(path, address, errors);
    }

    private static void CheckPorts(JsonObject slice, ErrorList errors)
    {
        if (slice.List("ports") is { Count: > MaxPorts } many)
            errors.TooMany("ports", many.Count, MaxPorts);
        var names = new HashSet<string>();
        foreach (var (port, at) in slice.Items("ports", ""))
        {
            var path = at.TrimStart('.');
            var name = port.Str("name");
            if (name.Length > 0)
                MetadataRules.CheckEach(path + ".name", name, NameRules.DnsLabel, errors);
            if (!names.Add(name))
                errors.Duplicate(path + ".name", name);
            ValueRules.OneOf(path + ".protocol", port.Str("protocol"), errors, "SCTP", "TCP", "UDP");
            if (port["port"] is not null)
                ValueRules.Port(path + ".port", port.Int("port"), errors);
        }
    }
}
