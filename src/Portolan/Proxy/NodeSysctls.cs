using Microsoft.Extensions.Logging;

namespace Portolan.Proxy;

/// <summary>Settings of the node's kernel that forwarding needs, and the connection-tracking ones kube-proxy makes. They are never lowered.</summary>
internal static class NodeSysctls
{
    private const string Root = "/proc/sys/net/";

    internal static void Apply(ILogger log)
    {
        Raise("ipv4/ip_forward", 1, LogLevel.Error, log);
        Raise("netfilter/nf_conntrack_max", Math.Min(1_048_576, Math.Max(131_072, 32_768 * Environment.ProcessorCount)), LogLevel.Debug, log);
        Raise("netfilter/nf_conntrack_tcp_timeout_established", 86_400, LogLevel.Debug, log);
        Raise("netfilter/nf_conntrack_tcp_timeout_close_wait", 3_600, LogLevel.Debug, log);
    }

    // A container may see these files read-only, or (in a network namespace) not be allowed some of them: then the node's owner sets them.
    private static void Raise(string name, int value, LogLevel onFailure, ILogger log)
    {
        try
        {
            if (int.TryParse(File.ReadAllText(Root + name), out var now) && now >= value)
                return;
            File.WriteAllText(Root + name, value.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Log(onFailure, "cannot set {Name} to {Value}: {Reason}", "net/" + name, value, e.Message);
        }
    }
}
