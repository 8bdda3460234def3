using System.Net;
using System.Text;

using Portolan.Lab.Nodes.Containers;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>The files that tell a container who and where it is: /etc/hostname, /etc/hosts, /etc/resolv.conf.</summary>
internal static class PodFiles
{
    public const string ClusterDns = "10.233.0.3";
    public const string ClusterDomain = "cluster.local";

    public static IReadOnlyList<ContainerFile> Of(Pod pod, IPAddress address, NodeFigures node, string machineResolvConf) =>
    [
        new("/etc/hostname", Hostname(pod, node) + "\n"),
        new("/etc/hosts", Hosts(pod, address, node)),
        new("/etc/resolv.conf", Resolver(pod, machineResolvConf)),
    ];

    /// <summary>On the host network the name is the host's; a host name has at most 63 characters.</summary>
    public static string Hostname(Pod pod, NodeFigures node)
    {
        var name = pod.Spec.HostNetwork == true ? node.Name : pod.Spec.Hostname is { Length: > 0 } own ? own : pod.Name;
        return name.Length <= 63 ? name : name[..63].TrimEnd('-', '.');
    }

    private static string Hosts(Pod pod, IPAddress address, NodeFigures node)
    {
        var text = new StringBuilder("""
            # Kubernetes-managed hosts file.
            127.0.0.1	localhost
            ::1	localhost ip6-localhost ip6-loopback
            fe00::0	ip6-localnet
            fe00::0	ip6-mcastprefix
            fe00::1	ip6-allnodes
            fe00::2	ip6-allrouters

            """);
        var name = Hostname(pod, node);
        var qualified = pod.Spec.Subdomain is { Length: > 0 } subdomain && pod.Spec.HostNetwork != true ? $"{name}.{subdomain}.{pod.Namespace}.svc.{ClusterDomain}\t" : "";
        foreach (var own in node.AddressesOf(address))
            text.Append($"{own}\t{qualified}{name}\n");
        foreach (var alias in pod.Spec.HostAliases ?? [])
            text.Append($"{alias.Ip}\t{string.Join('\t', alias.Hostnames ?? [])}\n");
        return text.ToString();
    }

    private static string Resolver(Pod pod, string machine)
    {
        var policy = pod.Spec.DnsPolicy ?? "ClusterFirst";
        var usesCluster = policy == "ClusterFirstWithHostNet" || (policy == "ClusterFirst" && pod.Spec.HostNetwork != true);
        var config = pod.Spec.DnsConfig;
        if (!usesCluster && policy != "None" && config is null)
            return machine;

        List<string> servers = [], searches = [];
        List<string> options = [];
        if (usesCluster)
        {
            servers.Add(ClusterDns);
            searches.AddRange([$"{pod.Namespace}.svc.{ClusterDomain}", $"svc.{ClusterDomain}", ClusterDomain]);
            options.Add("ndots:5");
        }
        else if (policy != "None")
        {
            foreach (var line in machine.Split('\n', StringSplitOptions.TrimEntries))
            {
                var words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
                var into = words.FirstOrDefault() switch { "nameserver" => servers, "search" => searches, "options" => options, _ => null };
                into?.AddRange(words[1..]);
            }
        }
        servers.AddRange(config?.Nameservers ?? []);
        searches.AddRange(config?.Searches ?? []);
        foreach (var option in config?.Options ?? [])
        {
            options.RemoveAll(o => o.Split(':')[0] == option.Name);
            options.Add(option.Value is { Length: > 0 } value ? $"{option.Name}:{value}" : option.Name!);
        }
        var text = new StringBuilder();
        if (searches.Count > 0)
            text.Append($"search {string.Join(' ', searches.Distinct())}\n");
        foreach (var server in servers.Distinct())
            text.Append($"nameserver {server}\n");
        if (options.Count > 0)
            text.Append($"options {string.Join(' ', options)}\n");
        return text.ToString();
    }
}
