using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>
/// Services: addresses and node ports handed out or honoured, what depends on the type defaulted, kept over updates that leave it out,
/// and dropped when the type no longer has it.
/// </summary>
internal sealed class ServiceStrategy(ServiceAllocations allocations) : ResourceStrategy
{
    public override void PrepareCreate(JsonObject obj, WriteScope scope)
    {
        obj["status"] = new JsonObject { ["loadBalancer"] = new JsonObject() };
        if (obj["spec"] is not JsonObject spec) return;
        if (spec["clusterIPs"] is not JsonArray { Count: > 0 } ips)
        {
            if (spec.Text("clusterIP") is { Length: > 0 } single) spec["clusterIPs"] = JsonText.Strings([single]);
        }
        else if (string.IsNullOrEmpty(spec.Text("clusterIP")))
        {
            spec["clusterIP"] = (string?)ips[0];
        }

        DefaultByType(spec);
        ServiceFamilies.Decide(spec, null, allocations.Families, scope.Errors);
        AllocateAddresses(spec, [], scope);
        AllocatePorts(spec, null, scope);
    }

    public override void PrepareUpdate(JsonObject obj, JsonObject old, WriteScope scope)
    {
        if (obj["spec"] is not JsonObject spec || old["spec"] is not JsonObject before) return;
        DropWhatTheTypeLost(spec, before);
        KeepWhatWasLeftOut(spec, before);
        DefaultByType(spec);
        ServiceFamilies.Decide(spec, before, allocations.Families, scope.Errors);
        var had = (before["clusterIPs"] as JsonArray ?? []).Select(ip => (string?)ip ?? "").ToList();
        AllocateAddresses(spec, had, scope);
        AllocatePorts(spec, before, scope);
    }

    private static string Type(JsonObject spec) => spec.Text("type") ?? "ClusterIP";

    private static bool HasAddress(JsonObject spec) => Type(spec) != "ExternalName";

    private static bool HasNodePorts(JsonObject spec) =>
        Type(spec) == "NodePort" || (Type(spec) == "LoadBalancer" && spec.Flag("allocateLoadBalancerNodePorts") != false);

    private static bool HasHealthPort(JsonObject spec) => Type(spec) == "LoadBalancer" && spec.Text("externalTrafficPolicy") == "Local";

    private static void DefaultByType(JsonObject spec)
    {
        var type = Type(spec);
        spec["sessionAffinity"] ??= "None";
        if (type == "ExternalName") return;
        spec["internalTrafficPolicy"] ??= "Cluster";
        if (type is "NodePort" or "LoadBalancer" || spec["externalIPs"] is JsonArray { Count: > 0 }) spec["externalTrafficPolicy"] ??= "Cluster";
        if (type == "LoadBalancer") spec["allocateLoadBalancerNodePorts"] ??= true;
    }

    private static void DropWhatTheTypeLost(JsonObject spec, JsonObject before)
    {
        if (HasAddress(before) && !HasAddress(spec) && spec.Text("clusterIP") == before.Text("clusterIP"))
            foreach (var field in (ReadOnlySpan<string>)["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"])
                spec.Remove(field);
        if (HasNodePorts(before) && !HasNodePorts(spec) && Type(spec) != "LoadBalancer" && SamePorts(spec, before))
            foreach (var port in Ports(spec))
                port.Remove("nodePort");
        if (HasHealthPort(before) && !HasHealthPort(spec) && spec.Whole("healthCheckNodePort") == before.Whole("healthCheckNodePort"))
            spec.Remove("healthCheckNodePort");
        if (Type(spec) is not ("NodePort" or "LoadBalancer") && Type(before) is "NodePort" or "LoadBalancer" && spec["externalIPs"] is not JsonArray { Count: > 0 }
            && spec.Text("externalTrafficPolicy") == before.Text("externalTrafficPolicy"))
            spec.Remove("externalTrafficPolicy");
        if (Type(spec) == "LoadBalancer" || Type(before) != "LoadBalancer") return;
        if (spec.Flag("allocateLoadBalancerNodePorts") == before.Flag("allocateLoadBalancerNodePorts")) spec.Remove("allocateLoadBalancerNodePorts");
        if (spec.Text("loadBalancerClass") == before.Text("loadBalancerClass")) spec.Remove("loadBalancerClass");
    }

    private static void KeepWhatWasLeftOut(JsonObject spec, JsonObject before)
    {
        if (HasAddress(spec) && HasAddress(before))
        {
            var (now, then) = (spec.Text("clusterIP"), before.Text("clusterIP"));
            if (string.IsNullOrEmpty(now) && spec["clusterIPs"] is not JsonArray { Count: > 0 })
            {
                spec["clusterIP"] = then;
                spec["clusterIPs"] = before["clusterIPs"]?.DeepClone();
            }
            else if (string.IsNullOrEmpty(now))
            {
                spec["clusterIP"] = (string?)spec["clusterIPs"]![0];
            }
            else if (spec["clusterIPs"] is not JsonArray { Count: > 0 } || (now != then && JsonNode.DeepEquals(spec["clusterIPs"], before["clusterIPs"])))
            {
                spec["clusterIPs"] = JsonText.Strings([now]);
            }
        }

        if (HasNodePorts(spec) && HasNodePorts(before))
            foreach (var port in Ports(spec))
                if (port.Whole("nodePort") is null or 0)
                {
                    var same = Ports(before).FirstOrDefault(p => p.Whole("port") == port.Whole("port") && Protocol(p) == Protocol(port));
                    if (same.Whole("nodePort") is > 0 and var number && !Ports(spec).Any(p => p.Whole("nodePort") == number && Protocol(p) == Protocol(port)))
                        port["nodePort"] = number;
                }

        if (HasHealthPort(spec) && HasHealthPort(before) && spec.Whole("healthCheckNodePort") is null or 0) spec["healthCheckNodePort"] = before.Whole("healthCheckNodePort");
        if (Type(spec) == "LoadBalancer" && Type(before) == "LoadBalancer") spec["allocateLoadBalancerNodePorts"] ??= before["allocateLoadBalancerNodePorts"]?.DeepClone();
    }

    /// <summary>One address of each of the Service's families: those it names, and for the others any.</summary>
    private void AllocateAddresses(JsonObject spec, List<string> had, WriteScope scope)
    {
        if (!HasAddress(spec) || spec.Text("clusterIP") == "None" || scope.Errors.Count > 0) return;
        var named = (spec["clusterIPs"] as JsonArray ?? []).Select(ip => (string?)ip ?? "").ToList();
        var asked = spec["ipFamilies"] as JsonArray ?? [];
        var families = asked.Select(f => allocations.Family((string?)f)).OfType<ServiceAddresses>().ToList();
        // A family that nobody knows is for validation to refuse.
        if (families.Count == 0 || families.Count < asked.Count) return;
        for (var i = 0; i < families.Count; i++)
        {
            if (i < named.Count) Honour(families[i], named[i]);
            else if (Any(families[i]) is { } address) named.Add(address);
            else return;
        }

        spec["clusterIP"] = named[0];
        spec["clusterIPs"] = JsonText.Strings([.. named]);

        void Honour(ServiceAddresses family, string text)
        {
            if (had.Contains(text)) return;
            var inRange = family.TryParse(text, out var number);
            var why = !inRange || !family.Pool.Contains(number) ? $"the provided IP ({text}) is not in the valid range. The range of valid IPs is {family.Range}"
                : !family.Pool.TryTake(number) ? "provided IP is already allocated" : null;
            if (why is null) scope.Afterwards(() => family.Pool.Release(number));
            else scope.Errors.Add(new("spec.clusterIPs", FieldErrorReason.FieldValueInvalid, $"Invalid value: []string{{\"{text}\"}}: failed to allocate IP {text}: {why}"));
        }

        string? Any(ServiceAddresses family)
        {
            if (family.Pool.TakeAny() is { } number)
            {
                scope.Afterwards(() => family.Pool.Release(number));
                return family.Text(number);
            }

            scope.Errors.Add(new("spec.clusterIPs", FieldErrorReason.FieldValueInvalid, "Invalid value: []string{\"\"}: failed to allocate an IP: range is full"));
            return null;
        }
    }

    private void AllocatePorts(JsonObject spec, JsonObject? before, WriteScope scope)
    {
        var pool = allocations.Ports;
        var had = ServiceAllocations.PortsOf(before).ToHashSet();
        var mine = new HashSet<uint>();
        var index = 0;
        foreach (var port in Ports(spec))
        {
            var path = $"spec.ports[{index++}].nodePort";
            if (port.Whole("nodePort") is > 0 and var asked && Type(spec) is "NodePort" or "LoadBalancer") Honour(path, asked);
        }

        if (HasHealthPort(spec) && spec.Whole("healthCheckNodePort") is > 0 and var health) Honour("spec.healthCheckNodePort", health);
        index = 0;
        foreach (var port in Ports(spec))
        {
            var path = $"spec.ports[{index++}].nodePort";
            if (!HasNodePorts(spec) || port.Whole("nodePort") is > 0) continue;
            // One number serves a port of several protocols, as DNS has.
            var twin = Ports(spec).FirstOrDefault(p => p.Whole("port") == port.Whole("port") && Protocol(p) != Protocol(port) && p.Whole("nodePort") is > 0);
            if (twin.Whole("nodePort") is { } shared && !Ports(spec).Any(p => p.Whole("nodePort") == shared && Protocol(p) == Protocol(port))) port["nodePort"] = shared;
            else if (Any(path) is { } number) port["nodePort"] = (long)number;
        }

        if (HasHealthPort(spec) && spec.Whole("healthCheckNodePort") is not > 0 && Any("spec.healthCheckNodePort") is { } check) spec["healthCheckNodePort"] = (long)check;

        void Honour(string path, long asked)
        {
            // Twice in one Service is for validation to judge (the same protocol twice); the number is taken once.
            var number = (uint)Math.Min(asked, uint.MaxValue);
            if (!mine.Add(number) || had.Contains(number)) return;
            var why = !pool.Contains(number) ? $"provided port is not in the valid range. The range of valid ports is {allocations.PortRange}"
                : !pool.TryTake(number) ? "provided port is already allocated" : null;
            if (why is null) scope.Afterwards(() => pool.Release(number));
            else scope.Errors.Add(new(path, FieldErrorReason.FieldValueInvalid, $"Invalid value: {asked}: {why}"));
        }

        uint? Any(string path)
        {
            if (pool.TakeAny() is { } number)
            {
                scope.Afterwards(() => pool.Release(number));
                return number;
            }

            scope.Errors.Add(new(path, FieldErrorReason.FieldValueInvalid, "Invalid value: 0: failed to allocate a nodePort: range is full"));
            return null;
        }
    }

    private static IEnumerable<JsonObject> Ports(JsonObject spec) => (spec["ports"] as JsonArray ?? []).OfType<JsonObject>();

    private static string Protocol(JsonObject port) => port.Text("protocol") ?? "TCP";

    private static bool SamePorts(JsonObject spec, JsonObject before) =>
        Ports(spec).All(p => p.Whole("nodePort") is null or 0 || Ports(before).Any(b => b.Whole("nodePort") == p.Whole("nodePort")));
}
