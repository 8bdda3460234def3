using System.Net;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>Services and Endpoints. Allocating cluster addresses and node ports is the server's part, not a rule of the object.</summary>
internal static class ServiceRules
{
    private const string OnlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";

    public static KindRules Service { get; } = new()
    {
        Name = NameRules.Dns1035Label,
        Default = Default,
        Check = Check,
        CheckChange = CheckChange,
        CheckStatus = CheckStatus,
    };

    public static KindRules Endpoints { get; } = new()
    {
        Default = static endpoints =>
        {
            foreach (var (subset, _) in endpoints.Items("subsets", ""))
            {
                foreach (var (port, _) in subset.Items("ports", ""))
                    port.SetDefault("protocol", "TCP");
            }
        },
        Check = static (endpoints, errors) =>
        {
            foreach (var (subset, path) in endpoints.Items("subsets", ""))
                CheckSubset(subset, path.TrimStart('.'), errors);
        },
    };

    public static bool IsReachableFromOutside(JsonObject? spec) =>
        spec.Str("type") is "LoadBalancer" or "NodePort" || (spec.Str("type") == "ClusterIP" && spec.List("externalIPs") is { Count: > 0 });

    private static void Default(JsonObject service)
    {
        var spec = service.Ensure("spec");
        spec.SetDefault("type", "ClusterIP");
        spec.SetDefault("sessionAffinity", "None");
        if (spec.Str("sessionAffinity") == "None")
            spec.Remove("sessionAffinityConfig");
        else if (spec.Str("sessionAffinity") == "ClientIP")
            spec.Ensure("sessionAffinityConfig").Ensure("clientIP").SetDefault("timeoutSeconds", 10800);

        foreach (var (port, _) in spec.Items("ports", ""))
        {
            port.SetDefault("protocol", "TCP");
            if ((port["targetPort"] is null || port.Int("targetPort") == 0 || Scalars.AsString(port["targetPort"]) == "") && port.Int("port") is { } number)
                port["targetPort"] = number;
            if (port.Int("nodePort") == 0)
                port.Remove("nodePort");
        }

        if (IsReachableFromOutside(spec))
            spec.SetDefault("externalTrafficPolicy", "Cluster");
        if (spec.Str("type") is "NodePort" or "LoadBalancer" or "ClusterIP")
            spec.SetDefault("internalTrafficPolicy", "Cluster");
        if (spec.Str("type") == "LoadBalancer")
            spec.SetDefault("allocateLoadBalancerNodePorts", true);
        foreach (var (ingress, _) in service.Ensure("status").Ensure("loadBalancer").Items("ingress", ""))
        {
            if (ingress.Str("ip").Length > 0)
                ingress.SetDefault("ipMode", "VIP");
        }
    }

    private static void CheckStatus(JsonObject service, JsonObject old, ErrorList errors)
    {
        foreach (var (ingress, path) in service.Obj("status").Obj("loadBalancer").Items("ingress", "status.loadBalancer"))
        {
            if (ingress.Str("ip") is { Length: > 0 } address)
                ValueRules.Address(path + ".ip", address, errors);
            else if (ingress.Str("ipMode").Length > 0)
                errors.Forbidden(path + ".ipMode", "may not be specified when `ip` is not set");
            if (ingress.Str("hostname") is { Length: > 0 } hostname)
                MetadataRules.CheckEach(path + ".hostname", hostname, NameRules.DnsSubdomain, errors);
            ValueRules.OneOfIfSet(path + ".ipMode", ingress.Str("ipMode"), errors, "Proxy", "VIP");
        }
    }

    private static void Check(JsonObject service, ErrorList errors)
    {
        var spec = service.Obj("spec");
        var type = spec.Str("type");
        var headless = spec.Str("clusterIP") == "None";
        if (spec.List("ports") is null or { Count: 0 } && !headless && type != "ExternalName")
            errors.Required("spec.ports");
        ServicePortRules.Check(spec, errors);
        MetadataRules.CheckLabels(spec.Obj("selector"), "spec.selector", errors);
        CheckSessionAffinity(spec, errors);
        ValueRules.OneOf("spec.type", type, errors, "ClusterIP", "ExternalName", "LoadBalancer", "NodePort");
        if (headless && type is "LoadBalancer" or "NodePort")
            errors.Invalid("spec.clusterIPs[0]", "None", $"may not be set to 'None' for {type} services");
        if (type == "ExternalName")
            CheckExternalName(spec, errors);

        foreach (var (address, path) in spec.Strings("externalIPs", "spec"))
            ValueRules.RoutableAddress(path, address, errors);
        CheckLoadBalancer(spec, type, errors);
        CheckTrafficPolicies(spec, type, errors);
        CheckFamilies(spec, errors);
    }

    private static void CheckSessionAffinity(JsonObject? spec, ErrorList errors)
    {
        var affinity = spec.Str("sessionAffinity");
        ValueRules.OneOf("spec.sessionAffinity", affinity, errors, "ClientIP", "None");
        var config = spec.Obj("sessionAffinityConfig");
        if (affinity == "ClientIP")
        {
            const string Path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds";
            if (config.Obj("clientIP").Int("timeoutSeconds") is not { } timeout)
                errors.Required("spec.sessionAffinityConfig", "when session affinity type is ClientIP");
            else if (timeout is <= 0 or > 86400)
                errors.Invalid(Path, timeout, "must be greater than 0 and less than 86400");
        }
        else if (config is not null)
            errors.Forbidden("spec.sessionAffinityConfig", $"must not be set when session affinity is {affinity}");
    }

    private static void CheckExternalName(JsonObject? spec, ErrorList errors)
    {
        if (spec.List("clusterIPs") is { Count: > 0 } || spec.Str("clusterIP").Length > 0)
            errors.Forbidden("spec.clusterIPs", "may not be set for ExternalName services");
        if (spec.List("ipFamilies") is { Count: > 0 })
            errors.Forbidden("spec.ipFamilies", "may not be set for ExternalName services");
        if (spec.Str("ipFamilyPolicy").Length > 0)
            errors.Forbidden("spec.ipFamilyPolicy", "may not be set for ExternalName services");
        var name = spec.Str("externalName");
        if (name.Length == 0)
            errors.Required("spec.externalName");
        else
            MetadataRules.CheckEach("spec.externalName", name.EndsWith('.') ? name[..^1] : name, NameRules.DnsSubdomain, errors);
    }

    private static void CheckLoadBalancer(JsonObject? spec, string type, ErrorList errors)
    {
        foreach (var (range, path) in spec.Strings("loadBalancerSourceRanges", "spec"))
            ValueRules.Prefix(path, range.Trim(), errors);
        var loadBalancerClass = spec.Str("loadBalancerClass");
        if (loadBalancerClass.Length > 0)
            MetadataRules.CheckEach("spec.loadBalancerClass", loadBalancerClass, NameRules.QualifiedName, errors);
        if (type == "LoadBalancer")
            return;
        if (spec.List("loadBalancerSourceRanges") is { Count: > 0 })
            errors.Forbidden("spec.loadBalancerSourceRanges", OnlyLoadBalancer);
        if (spec.Flag("allocateLoadBalancerNodePorts") is not null)
            errors.Forbidden("spec.allocateLoadBalancerNodePorts", OnlyLoadBalancer);
        if (loadBalancerClass.Length > 0)
            errors.Forbidden("spec.loadBalancerClass", OnlyLoadBalancer);
    }

    private static void CheckTrafficPolicies(JsonObject? spec, string type, ErrorList errors)
    {
        var external = spec.Str("externalTrafficPolicy");
        if (IsReachableFromOutside(spec))
            ValueRules.OneOf("spec.externalTrafficPolicy", external, errors, "Cluster", "Local");
        else if (external.Length > 0)
            errors.Invalid("spec.externalTrafficPolicy", external, "may only be set for externally-accessible services");

        if (type is "NodePort" or "LoadBalancer" or "ClusterIP")
            ValueRules.OneOf("spec.internalTrafficPolicy", spec.Str("internalTrafficPolicy"), errors, "Cluster", "Local");
        if (spec.Int("healthCheckNodePort") is { } health and not 0 && !(type == "LoadBalancer" && external == "Local"))
            errors.Invalid("spec.healthCheckNodePort", health, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
        ValueRules.OneOfIfSet("spec.trafficDistribution", spec.Str("trafficDistribution"), errors, "PreferClose", "PreferSameNode", "PreferSameZone");
    }

    private static void CheckFamilies(JsonObject? spec, ErrorList errors)
    {
        ValueRules.OneOfIfSet("spec.ipFamilyPolicy", spec.Str("ipFamilyPolicy"), errors, "PreferDualStack", "RequireDualStack", "SingleStack");
        var seen = new HashSet<string>();
        foreach (var (family, path) in spec.Strings("ipFamilies", "spec"))
        {
            if (family is not ("IPv4" or "IPv6"))
                errors.NotSupported(path, family, "IPv4", "IPv6");
            else if (!seen.Add(family))
                errors.Duplicate(path, family);
        }

        var addresses = spec.Strings("clusterIPs", "spec").Select(a => a.Item1).ToList();
        if (addresses.Count == 0)
            return;
        if (spec.Str("clusterIP") is { Length: > 0 } single && single != addresses[0])
            errors.Invalid("spec.clusterIPs", JsonText.Strings(addresses), "first value must match `clusterIP`");
        if (addresses.Count > 2)
            errors.Invalid("spec.clusterIPs", JsonText.Strings(addresses), "may only hold up to 2 values");
        if (addresses.Count > 1 && addresses.Contains("None"))
            errors.Invalid("spec.clusterIPs", JsonText.Strings(addresses), "'None' must be the first and only value");
        CheckAddressFamilies(spec, addresses, errors);
    }

    /// <summary>Each address is of the family at its place, and none of the other's.</summary>
    private static void CheckAddressFamilies(JsonObject? spec, List<string> addresses, ErrorList errors)
    {
        var families = spec.Strings("ipFamilies", "spec").Select(f => f.Item1).ToList();
        var seen = new HashSet<string>();
        for (var i = 0; i < addresses.Count; i++)
        {
            if (addresses[i] == "None")
                continue;
            var path = $"spec.clusterIPs[{i}]";
            ValueRules.Address(path, addresses[i], errors);
            if (!IPAddress.TryParse(addresses[i], out var address))
                continue;
            var family = ServiceAddresses.FamilyOf(address);
            if (i < families.Count && families[i] is "IPv4" or "IPv6" && families[i] != family)
                errors.Invalid(path, addresses[i], $"expected an {families[i]} value as indicated by `ipFamilies[{i}]`");
            else if (!seen.Add(family))
                errors.Invalid("spec.clusterIPs", JsonText.Strings(addresses), "may specify no more than one IP for each IP family");
        }
    }

    private static void CheckChange(JsonObject service, JsonObject old, ErrorList errors)
    {
        var spec = service.Obj("spec");
        var before = old.Obj("spec");
        if (spec.Str("type") == "ExternalName" || before.Str("type") == "ExternalName")
            return;
        if (before.Str("clusterIP").Length > 0 && spec.Str("clusterIP") != before.Str("clusterIP"))
            errors.Invalid("spec.clusterIPs[0]", new JsonArray((JsonNode)spec.Str("clusterIP")), "may not change once set");
        if (spec.Str("type") == "LoadBalancer" && before.Str("type") == "LoadBalancer" && spec.Str("loadBalancerClass") != before.Str("loadBalancerClass"))
            errors.Invalid("spec.loadBalancerClass", spec.Str("loadBalancerClass"), "may not change once set");
        // Headless Services without selector may list what families they like; of others the first stays, and the second while there are two.
        if (spec.Str("clusterIP") == "None")
            return;
        for (var i = 0; i < 2; i++)
        {
            if (Different("clusterIPs", i, out var address) && i > 0)
                errors.Invalid($"spec.clusterIPs[{i}]", address, "may not change once set");
            if (Different("ipFamilies", i, out var family))
                errors.Invalid($"spec.ipFamilies[{i}]", family, "may not change once set");
        }

        bool Different(string field, int index, out string now)
        {
            now = spec.List(field)?.ElementAtOrDefault(index)?.ToString() ?? "";
            return now.Length > 0 && before.List(field)?.ElementAtOrDefault(index)?.ToString() is { Length: > 0 } then && then != now;
        }
    }

    private static void CheckSubset(JsonObject subset, string path, ErrorList errors)
    {
        if (subset.List("addresses") is null or { Count: 0 } && subset.List("notReadyAddresses") is null or { Count: 0 })
            errors.Required(path, "must specify `addresses` or `notReadyAddresses`");
        foreach (var list in (string[])["addresses", "notReadyAddresses"])
        {
            foreach (var (address, at) in subset.Items(list, path))
                ValueRules.RoutableAddress(at + ".ip", address.Str("ip"), errors);
        }

        var many = subset.List("ports")?.Count > 1;
        foreach (var (port, at) in subset.Items("ports", path))
        {
            var name = port.Str("name");
            if (many && name.Length == 0)
                errors.Required(at + ".name");
            else if (name.Length > 0)
                MetadataRules.CheckEach(at + ".name", name, NameRules.DnsLabel, errors);
            ValueRules.Port(at + ".port", port.Int("port"), errors);
            ValueRules.OneOf(at + ".protocol", port.Str("protocol"), errors, "SCTP", "TCP", "UDP");
        }
    }
}
