using System.Text.Json.Nodes;
using Portolan.Core.Addresses;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller;

/// <summary>What has to be written so that a Service says what was decided about it: <c>status.loadBalancer</c> and the pool's name.</summary>
internal static class ServiceStatusPatch
{
    /// <summary>The patch that brings a Service's status in line with a decision, or null when it is.</summary>
    public static JsonObject? Of(Service service, Decision decision)
    {
        if (decision.Outcome is Outcome.NotOurs)
            return null;
        var annotations = service.Metadata.Annotations;
        var pool = annotations?.GetValueOrDefault(ServiceAnnotations.AllocatedFromPool) ?? "";
        var former = annotations?.ContainsKey(ServiceAnnotations.FormerAllocatedFromPool) ?? false;
        var shared = annotations?.GetValueOrDefault(ServiceAnnotations.SharedAs) ?? "";

        // While the pool is not known, because it is wrong just now, what the annotation says is left as it is.
        var wantedPool = decision.Outcome is Outcome.Assigned && decision.Pool.Length == 0 ? pool : decision.Pool;
        if (HasAddresses(service, decision) && pool == wantedPool && shared == decision.SharedAs && !former)
            return null;
        var ingress = Ingress(service, decision);
        var annotation = new JsonObject { [ServiceAnnotations.AllocatedFromPool] = wantedPool.Length > 0 ? wantedPool : null };
        if (shared != decision.SharedAs)
            annotation[ServiceAnnotations.SharedAs] = decision.SharedAs.Length > 0 ? decision.SharedAs : null;
        if (former)
            annotation[ServiceAnnotations.FormerAllocatedFromPool] = null;
        return new JsonObject
        {
            ["metadata"] = new JsonObject { ["resourceVersion"] = service.Metadata.ResourceVersion, ["annotations"] = annotation },
            ["status"] = new JsonObject { ["loadBalancer"] = new JsonObject { ["ingress"] = ingress.Count > 0 ? ingress : null } },
        };
    }

    /// <summary>
    /// Whether the status shows what was decided. Whatever else an entry with the right address says (ports, ipMode) is the server's or another
    /// controller's, and no reason to write: two controllers that each remove what the other adds would never come to rest.
    /// </summary>
    public static bool HasAddresses(Service service, Decision decision)
    {
        var shown = service.Status?.LoadBalancer?.Ingress ?? [];
        return decision.Outcome is Outcome.Released
            ? !shown.Exists(entry => IsLeaving(entry, decision))
            : shown.Count == decision.Addresses.Count && shown.Zip(decision.Addresses).All(pair => IpAddress.TryParse(pair.First.IP, out var address) && address == pair.Second);
    }

    /// <summary>The addresses that the status shows, or may show after an attempt to write, and that a decision takes from it.</summary>
    public static IReadOnlyList<IpAddress> Leaving(Service service, IReadOnlyList<IpAddress> attempted, Decision decision)
    {
        var shown = service.Status?.LoadBalancer?.Ingress;
        if (shown is not { Count: > 0 } && attempted.Count == 0)
            return [];
        List<IpAddress>? leaving = null;
        foreach (var entry in shown ?? [])
            if (IpAddress.TryParse(entry.IP, out var address) && decision.Outcome switch { Outcome.NotOurs => false, Outcome.Released => decision.Leaving.Contains(address), _ => !decision.Addresses.Contains(address) })
                (leaving ??= []).Add(address);
        foreach (var address in attempted)
            if (!decision.Addresses.Contains(address) && leaving?.Contains(address) is not true)
                (leaving ??= []).Add(address);
        return leaving ?? (IReadOnlyList<IpAddress>)[];
    }

    private static JsonArray Ingress(Service service, Decision decision)
    {
        var entries = new JsonArray();
        foreach (var address in decision.Addresses)
            entries.Add((JsonNode)new JsonObject { ["ip"] = address.ToString() });
        if (decision.Outcome is Outcome.Released)
            foreach (var entry in service.Status?.LoadBalancer?.Ingress ?? [])
                if (!IsLeaving(entry, decision))
                    entries.Add((JsonNode)Copy(entry));
        return entries;
    }

    private static JsonObject Copy(LoadBalancerIngress entry)
    {
        var copy = new JsonObject();
        foreach (var (name, value) in new[] { ("ip", entry.IP), ("hostname", entry.Hostname), ("ipMode", entry.IpMode) })
            if (value is not null)
                copy[name] = value;
        if (entry.Ports is not null)
            copy["ports"] = entry.Ports.DeepClone();
        return copy;
    }

    private static bool IsLeaving(LoadBalancerIngress entry, Decision decision) => IpAddress.TryParse(entry.IP, out var address) && decision.Leaving.Contains(address);

    /// <summary>Who else wrote the status, and last: the field manager's name, or null where the server does not say.</summary>
    public static string? OtherManager(Service service) => service.Metadata.ManagedFields?
        .Where(entry => entry.Subresource == "status" && entry.Manager is not null and not KubeClient.FieldManager)
        .OrderBy(entry => entry.Time, StringComparer.Ordinal)
        .LastOrDefault()?.Manager;
}
