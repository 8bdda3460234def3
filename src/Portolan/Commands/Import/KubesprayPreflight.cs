using Portolan.Core.Addresses;

namespace Portolan.Commands.Import;

/// <summary>What else on the cluster decides whether an announcement works: strict ARP, and others who announce or give out addresses.</summary>
internal static class KubesprayPreflight
{
    // kube-vip's Service mode and Cilium's and Calico's announcers are switched on in the same files.
    private static readonly (string Variable, string What)[] Switches =
    [
        ("cilium_l2announcements", "Cilium announces Services on layer 2"),
        ("cilium_enable_bgp_control_plane", "Cilium announces Services by BGP"),
        ("kube_router_advertise_loadbalancer_ip", "kube-router announces the addresses of Services"),
    ];

    private static readonly (string Variable, string What)[] Lists =
    [
        ("cilium_loadbalancer_ip_pools", "Cilium gives addresses to Services"),
        ("cilium_bgp_advertisements", "Cilium announces Services by BGP"),
        ("cilium_bgp_cluster_configs", "Cilium announces Services by BGP"),
    ];

    public static void Check(KubesprayVariables variables, ImportedObjects objects, ImportNotices notices)
    {
        StrictArp(variables, objects, notices);
        var speaker = variables.Boolean("metallb_speaker_enabled") is not false;
        if (variables.Boolean("kube_vip_enabled") is true && variables.Boolean("kube_vip_services_enabled") is true)
            Rival("kube_vip_services_enabled", "kube-vip gives addresses to Services and announces them");
        foreach (var (variable, what) in Switches)
            if (variables.Boolean(variable) is true)
                Rival(variable, what);
        foreach (var (variable, what) in Lists)
            if (variables.Find(variable)?.Value is SourceList { Items.Count: > 0 } or SourceMap { Entries.Count: > 0 })
                Rival(variable, what);
        Calico(variables, objects, notices, speaker);

        void Rival(string variable, string what) => notices.Warn(
            variables.Find(variable)!.Place, variable, $"{what}: two must not do that for the same Services; switch one off, or give each its own loadBalancerClass");
    }

    /// <summary>
    /// In IPVS mode kube-proxy puts every Service address on kube-ipvs0, and the kernel of each node answers ARP for it, whoever the announcer is, unless strict
    /// ARP is on. Portolan's own proxy, kube-proxy's other modes and BGP do not have that.
    /// </summary>
    private static void StrictArp(KubesprayVariables variables, ImportedObjects objects, ImportNotices notices)
    {
        if (variables.Boolean("kube_proxy_remove") is true)
            return;
        var (mode, strict) = (variables.Text("kube_proxy_mode"), variables.Boolean("kube_proxy_strict_arp"));
        if (strict is true || (mode is not null and not "ipvs"))
            return;
        var place = (variables.Find("kube_proxy_strict_arp") ?? variables.Find("kube_proxy_mode"))?.Place ?? variables.File;
        const string Path = "kube_proxy_strict_arp";
        if (mode is null && strict is null)
        {
            if (objects.Has("L2Advertisement"))
                notices.Note(place, Path, "is not in what was given: with kube-proxy in ipvs mode it must be true (k8s-cluster.yml), or every node answers ARP for every address");
        }
        else if (objects.Has("L2Advertisement"))
        {
            notices.Error(place, Path, $"{(strict is null ? "is not set" : "is false")}{(mode is null ? "" : " and kube_proxy_mode is ipvs")}: every node would answer ARP for every address; set it to true and run the playbook, as Kubespray demands too");
        }
        else
        {
            notices.Warn(place, Path, "is not true, which stops Kubespray in ipvs mode; with BGP alone it does no harm");
        }
    }

    private static void Calico(KubesprayVariables variables, ImportedObjects objects, ImportNotices notices, bool speaker)
    {
        const string Variable = "calico_advertise_service_loadbalancer_ips";
        if (variables.Find(Variable) is not { } calico || variables.Values.Items(calico.Value, Variable) is not { Count: > 0 } blocks)
            return;
        if (speaker)
        {
            notices.Warn(calico.Place, Variable, "Calico announces these addresses, and so does the speaker: set metallb_speaker_enabled to false, or remove this");
            return;
        }

        var announced = new List<IpRange>();
        for (var i = 0; i < blocks.Count; i++)
            if (variables.Values.Text(blocks[i], $"{Variable}[{i}]") is { } text)
            {
                if (IpRange.Parse(text, out var range) is { } rule)
                    notices.Warn(blocks[i].Place, $"{Variable}[{i}]", $"{text}: {rule}");
                else
                    announced.Add(range);
            }

        foreach (var pool in objects.PoolRanges.Where(pool => !announced.Exists(range => range.Contains(pool.First) && range.Contains(pool.Last))))
            notices.Warn(calico.Place, Variable, $"does not cover {pool}: with the speaker off nobody announces it");
    }
}
