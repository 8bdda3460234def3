using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>The environment variables that name a namespace's Services, in both styles a kubelet writes.</summary>
internal static class ServiceLinks
{
    public static IEnumerable<(string Name, string Value)> Of(IEnumerable<Service> services)
    {
        foreach (var service in services.OrderBy(s => s.Metadata.Name, StringComparer.Ordinal))
        {
            var address = service.Spec?.ClusterIP;
            if (string.IsNullOrEmpty(address) || address == "None" || service.Spec!.Ports is not { Count: > 0 } ports)
                continue;
            var prefix = Upper(service.Metadata.Name!);
            var host = address.Contains(':') ? $"[{address}]" : address;
            yield return ($"{prefix}_SERVICE_HOST", address);
            yield return ($"{prefix}_SERVICE_PORT", $"{ports[0].Port}");
            foreach (var port in ports.Where(p => !string.IsNullOrEmpty(p.Name)))
                yield return ($"{prefix}_SERVICE_PORT_{Upper(port.Name!)}", $"{port.Port}");
            for (var i = 0; i < ports.Count; i++)
            {
                var protocol = ports[i].Protocol ?? "TCP";
                var url = $"{protocol.ToLowerInvariant()}://{host}:{ports[i].Port}";
                if (i == 0)
                    yield return ($"{prefix}_PORT", url);
                var one = $"{prefix}_PORT_{ports[i].Port}_{protocol.ToUpperInvariant()}";
                yield return (one, url);
                yield return ($"{one}_PROTO", protocol.ToLowerInvariant());
                yield return ($"{one}_PORT", $"{ports[i].Port}");
                yield return ($"{one}_ADDR", address);
            }
        }
    }

    private static string Upper(string name) => name.ToUpperInvariant().Replace('-', '_');
}
