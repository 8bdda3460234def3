using Portolan.Commands.Import;

namespace Portolan.Tests.Import;

/// <summary>Forms (d), (e), (f): metallb_config of Kubespray 2.22 and later, what was left beside it, and what its templates wrote.</summary>
public sealed class KubesprayNewFormTests
{
    private const string Full = """
        metallb_enabled: true
        metallb_speaker_enabled: "{{ metallb_enabled }}"
        metallb_namespace: lb
        kube_proxy_strict_arp: true
        metallb_config:
          speaker:
            nodeselector:
              kubernetes.io/os: linux
            tolerations:
              - key: "node-role.kubernetes.io/control-plane"
                operator: "Equal"
                value: ""
                effect: "NoSchedule"
          controller:
            nodeselector:
              kubernetes.io/os: linux
          address_pools:
            primary:
              ip_range:
                - 10.5.0.0/16
              auto_assign: true
            pool1:
              ip_range:
                - 10.6.0.0/16
              auto_assign: false
            pool2:
              ip_range:
                - 10.10.0.0/16
              avoid_buggy_ips: true
          layer2:
            - primary
          layer3:
            defaults:
              peer_port: 179
              hold_time: 120s
            communities:
              vpn-only: "1234:1"
              NO_ADVERTISE: "65535:65282"
            metallb_peers:
              peer1:
                peer_address: 10.6.0.1
                peer_asn: 64512
                my_asn: 4200000000
                password: s3cret
                router_id: 1.2.3.4
                aggregation_length: 24
                localpref: 200
                communities:
                  - vpn-only
                  - NO_ADVERTISE
                address_pool:
                  - pool1
              peer2:
                peer_address: 10.10.0.1
                peer_asn: 64513
                my_asn: 4200000000
                peer_port: "1179"
                router_id: 1.2.3.4
                hold_time: 30
                multihop: true
                communities:
                  - NO_ADVERTISE
                address_pool:
                  - pool2
                source_address: 10.10.0.2
        """;

    [Fact]
    public void ConvertsAllOfIt()
    {
        var result = Imported.Kubespray(Full);
        Assert.False(result.HasErrors);
        Assert.Equal(
            [
                "Namespace/lb", "Secret/peer1-password", "Community/vpn-only", "Community/no-advertise", "Community/well-known", "IPAddressPool/primary", "IPAddressPool/pool1",
                "IPAddressPool/pool2", "BGPPeer/peer1", "BGPPeer/peer2", "L2Advertisement/primary", "BGPAdvertisement/peer1-local", "BGPAdvertisement/peer1-external",
                "BGPAdvertisement/peer2-external",
            ],
            result.Titles());
        Assert.All(result.Objects.Where(item => (string?)item["kind"] != "Namespace"), item => Assert.Equal("lb", (string?)item["metadata"]!["namespace"]));
        Assert.Equal("""{"addresses":["10.6.0.0/16"],"autoAssign":false}""", result.Spec("IPAddressPool/pool1"));
        Assert.Equal("""{"addresses":["10.10.0.0/16"],"avoidBuggyIPs":true}""", result.Spec("IPAddressPool/pool2"));
        Assert.Equal("""{"myASN":4200000000,"peerASN":64512,"peerAddress":"10.6.0.1","holdTime":"2m0s","routerID":"1.2.3.4","passwordSecret":{"name":"peer1-password","namespace":"lb"}}""", result.Spec("BGPPeer/peer1"));
        Assert.Equal("""{"myASN":4200000000,"peerASN":64513,"peerAddress":"10.10.0.1","peerPort":1179,"holdTime":"30s","routerID":"1.2.3.4","ebgpMultiHop":true}""", result.Spec("BGPPeer/peer2"));
        Assert.Equal(
            """{"aggregationLength":32,"aggregationLengthV6":128,"communities":["no-advertise"],"localPref":200,"ipAddressPools":["pool1"]}""", result.Spec("BGPAdvertisement/peer1-local"));
        Assert.Equal("""{"aggregationLength":24,"ipAddressPools":["pool1"],"communities":["vpn-only","NO_ADVERTISE"]}""", result.Spec("BGPAdvertisement/peer1-external"));
        Assert.Equal("""{"ipAddressPools":["pool2"],"communities":["NO_ADVERTISE"]}""", result.Spec("BGPAdvertisement/peer2-external"));
        Assert.Equal("""{"communities":[{"name":"NO_ADVERTISE","value":"65535:65282"}]}""", result.Spec("Community/no-advertise"));
        Assert.Equal(["no-export", "no-advertise", "local-as", "nopeer"], result.Object("Community/well-known")["spec"]!["communities"]!.AsArray().Select(alias => (string)alias!["name"]!));
        Assert.Equal("linux", (string?)result.HelmValues["speaker"]!["nodeSelector"]!["kubernetes.io/os"]);
        Assert.Equal("", (string?)result.HelmValues["speaker"]!["tolerations"]![0]!["value"]);
    }

    [Theory]
    [InlineData("warning: metallb_config.layer3.communities.NO_ADVERTISE: NO_ADVERTISE is no name the API accepts; the Community is named no-advertise; its alias stays NO_ADVERTISE")]
    [InlineData("addons.yml:65: warning: metallb_config.layer3.metallb_peers.peer2.source_address: was never passed on by Kubespray; left out")]
    [InlineData("warning: metallb_config.layer3.metallb_peers.peer1.localpref: was misspelt by Kubespray's template and had no effect")]
    [InlineData("warning: metallb_config.layer3.metallb_peers.peer1.communities: Kubespray's template let only the last of 2 take effect; all are written")]
    [InlineData("warning: metallb_config.layer3.metallb_peers.peer2.hold_time: 30 has no unit, which the API refuses; read as 30s")]
    [InlineData("note: metallb_config.layer3.metallb_peers.peer1.address_pool: is announced to all 2 peers, as Kubespray has it")]
    [InlineData("note: metallb_config.layer3.metallb_peers.peer1.password: is kept in the Secret peer1-password")]
    [InlineData("note: metallb_config.speaker.tolerations: value speaker.tolerations of the chart")]
    public void SaysWhatItMadeOfTheSourcesDefects(string notice) => Imported.Kubespray(Full).Says(notice);

    [Fact]
    public void LeavesOutWhatIsLeftOverOfTheOldForm()
    {
        var result = Imported.Kubespray("""
            metallb_enabled: true
            metallb_protocol: layer2
            metallb_ip_range: [10.9.0.0/24]
            metallb_controller_tolerations: []
            metallb_speaker_tolerations: [{operator: Exists}]
            metallb_config:
              address_pools:
                primary:
                  ip_range: [10.5.0.0/16]
              layer2: [primary]
            """);
        Assert.Equal(["Namespace/metallb-system", "IPAddressPool/primary", "L2Advertisement/primary"], result.Titles());
        result.Says("addons.yml:2: warning: metallb_protocol: is not read beside metallb_config (Kubespray 2.22 and later); left out; pools in metallb_config.layer2 are announced on layer 2");
        result.Says("addons.yml:3: warning: metallb_ip_range: is not read beside metallb_config");
        result.Says("addons.yml:5: warning: metallb_speaker_tolerations: is not read beside metallb_config");
        Assert.Empty(result.HelmValues);
    }

    [Fact]
    public void TakesThePoolsOfTheOldFormWhenTheNewHasNone()
    {
        var result = Imported.Kubespray("metallb_enabled: true\nmetallb_ip_range: [10.9.0.0/24]\nmetallb_config:\n  controller:\n    tolerations: [{operator: Exists}]");
        Assert.Contains("IPAddressPool/loadbalanced", result.Titles());
        result.Says("addons.yml:3: warning: metallb_config: has no address_pools");
    }

    [Theory]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  layer2: [b]", "addons.yml:4: error: metallb_config.layer2[0]: there is no pool b in address_pools")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}", "addons.yml:3: warning: metallb_config.address_pools.a: is announced by nothing")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  layer2: [a, a]", "addons.yml:4: warning: metallb_config.layer2[1]: a is in the list already")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24], auto-assign: false}}\n  layer2: [a]", "addons.yml:3: warning: metallb_config.address_pools.a.auto-assign: is not read by anybody; left out (did you mean auto_assign?)")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}, b: {ip_range: [10.0.0.0/25]}}\n  layer2: [a, b]", "error: metallb_config.address_pools.b.ip_range[0]: 10.0.0.0/25: overlaps metallb_config.address_pools.a.ip_range[0]")]
    [InlineData("address_pools: {a_b: {ip_range: [10.0.0.0/24]}, a-b: {ip_range: [10.0.1.0/24]}}\n  layer2: [a_b, a-b]", "another IPAddressPool is named a-b already; this one is named a-b-2")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  layer3:\n   metallb_peers:\n    p: {peer_address: 10.1.1.1, peer_asn: 2, my_asn: 1, router_id: 1.2.3.4, address_pool: [a]}\n    q: {peer_address: 10.1.1.1, peer_asn: 3, my_asn: 2, router_id: 1.2.3.5, address_pool: [a]}", "addons.yml:7: error: BGPPeer q: spec.peerAddress: 10.1.1.1: BGPPeer p is the same peer")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  layer2: [a]\n  speaker:\n    tollerations: []", "addons.yml:6: warning: metallb_config.speaker.tollerations: is not read by anybody; left out (did you mean tolerations?)")]
    [InlineData("layer2: [a]", "error: metallb_config.address_pools: is missing: there is no pool")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  layer3: {metallb_peers: {p: {peer_address: 10.1.1.1, peer_asn: 1, my_asn: 1, multihop: true, address_pool: [a]}}}", "error: metallb_config.layer3.metallb_peers.p.multihop: is for external peers, and this one has our own AS number 1; left out")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  layer3: {metallb_peers: {p: {peer_address: 10.1.1.1, peer_asn: 1, my_asn: 1}}}", "error: metallb_config.layer3.metallb_peers.p.address_pool: names no pool; the peer has no advertisement")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  layer3: {metallb_peers: {p: {peer_address: nowhere, peer_asn: 1, my_asn: 1, address_pool: [a]}}}", "error: metallb_config.layer3.metallb_peers.p.peer_address: nowhere: must be an IP address")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  layer3: {metallb_peers: {p: {peer_address: 10.1.1.1, my_asn: 1, address_pool: [a]}}}", "error: metallb_config.layer3.metallb_peers.p.peer_asn: is missing; the peer is left out")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  layer3: {metallb_peers: {p: {peer_address: 10.1.1.1, peer_asn: 4294967296, my_asn: 1, address_pool: [a]}}}", "error: metallb_config.layer3.metallb_peers.p.peer_asn: 4294967296: must be a whole number 1..4294967295")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  layer3: {metallb_peers: {p: {peer_address: 10.1.1.1, peer_asn: 2, my_asn: 1, hold_time: 1s, address_pool: [a]}}}", "error: metallb_config.layer3.metallb_peers.p.hold_time: 1s: must be 0 or 3s..65535s")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  layer3: {metallb_peers: {p: {peer_address: 10.1.1.1, peer_asn: 2, my_asn: 1, communities: [far], address_pool: [a]}}}", "error: metallb_config.layer3.metallb_peers.p.communities[0]: far is neither a community nor the name of one")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  layer3: {communities: {x: 1234:1}, metallb_peers: {p: {peer_address: 10.1.1.1, peer_asn: 2, my_asn: 1, address_pool: [a]}}}", "warning: metallb_config.layer3.communities.x: 1234:1 is not quoted: Ansible reads it as the number 74041")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  layer3: {communities: {x: \"70000:1\"}, metallb_peers: {p: {peer_address: 10.1.1.1, peer_asn: 2, my_asn: 1, address_pool: [a]}}}", "error: metallb_config.layer3.communities.x: 70000:1: each of the two numbers")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  layer3: {metallb_peers: {p: {peer_address: 10.1.1.1, peer_asn: 2, my_asn: 1, localpref: 5, address_pool: [a]}}}", "warning: metallb_config.layer3.metallb_peers.p.localpref: is applied only together with an aggregation_length of at most 30; left out")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  layer3: {metallb_peers: {p: {peer_address: 10.1.1.1, peer_asn: 2, my_asn: 1, aggregation_length: 31, address_pool: [a]}}}", "warning: metallb_config.layer3.metallb_peers.p.aggregation_length: 31 is above 30, where Kubespray does not apply it")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  metallb_peers: {p: {peer_address: 10.1.1.1, peer_asn: 2, my_asn: 1, address_pool: [a]}}", "warning: metallb_config.metallb_peers: belongs below layer3; read from here")]
    [InlineData("address_pools: {a: {ip_range: [10.0.0.0/24]}}\n  layer3: {metallb_peers: {p: {peer_address: 10.1.1.1, peer_asn: 2, my_asn: 1, password: !vault abc, address_pool: [a]}}}", "error: metallb_config.layer3.metallb_peers.p.password: create it yourself: kubectl -n metallb-system create secret generic p-password")]
    public void SaysWhatIsBrokenOrAmbiguous(string config, string notice) => Imported.Kubespray($"metallb_enabled: true\nmetallb_config:\n  {config}").Says(notice);

    [Fact]
    public void DefinesAnAliasOnceEvenWhenTheSourceDoesSoToo()
    {
        var result = Imported.Kubespray("""
            metallb_enabled: true
            metallb_config:
              address_pools: {a: {ip_range: [10.0.0.0/24]}}
              layer3:
                communities: {no-export: "65535:65281", well-known: "1:1"}
                metallb_peers: {p: {peer_address: 10.1.1.1, peer_asn: 2, my_asn: 1, address_pool: [a]}}
            """);
        var aliases = result.Objects.Where(item => (string?)item["kind"] == "Community").SelectMany(item => item["spec"]!["communities"]!.AsArray()).Select(alias => (string)alias!["name"]!).ToList();
        Assert.Equal(aliases.Distinct(), aliases);
        Assert.Contains("Community/well-known-2", result.Titles());
    }

    [Fact]
    public void MendsWhatTheTemplatesRendered()
    {
        var result = Imported.Kubespray("""
            ---
            apiVersion: metallb.io/v1beta1
            kind: Community
            metadata:
              name: "NO_ADVERTISE"
              namespace: metallb-system
            spec:
              communities:
              - name: "NO_ADVERTISE"
                value: "65535:65282"
            ---
            apiVersion: metallb.io/v1beta1
            kind: BGPAdvertisement
            metadata:
              name: "peer1-local"
              namespace: metallb-system
            spec:
              aggregationLength: 32
              localpref: "100"
              communities:
              - "vpn-only"
              communities:
              - "NO_ADVERTISE"
              ipAddressPools:
              - "pool1"
            ---
            apiVersion: metallb.io/v1beta1
            kind: IPAddressPool
            metadata: {name: pool1}
            spec:
              addresses: [10.0.0.0/24]
              autoAssign: False
            """);
        Assert.Equal("""{"aggregationLength":32,"localPref":100,"communities":["vpn-only","NO_ADVERTISE"],"ipAddressPools":["pool1"]}""", result.Spec("BGPAdvertisement/peer1-local"));
        Assert.Equal("""{"communities":[{"name":"NO_ADVERTISE","value":"65535:65282"}]}""", result.Spec("Community/no-advertise"));
        Assert.Equal("""{"addresses":["10.0.0.0/24"],"autoAssign":false}""", result.Spec("IPAddressPool/pool1"));
        result.Says("addons.yml:19: warning: BGPAdvertisement peer1-local: spec.localpref: is misspelt, so that it has no effect; written as localPref");
        result.Says("addons.yml:22: warning: BGPAdvertisement peer1-local: spec.communities: is written 2 times, so that only the last takes effect; all are joined");
    }

    [Fact]
    public void ReadsAHandWrittenConfigMapWithVariables()
    {
        var result = Imported.Kubespray(
            """
            apiVersion: v1
            kind: ConfigMap
            metadata: {namespace: metallb-system, name: config}
            data:
              config: |
                address-pools:
                - name: {{ metallb_pool_name }}
                  protocol: {{ metallb_protocol }}
                  addresses:
                  - "{{ metallb_ip_range[0] }}"
            """,
            "metallb_enabled: true\nmetallb_ip_range: [10.0.0.0/24]\nmetallb_pool_name: edge\nkube_proxy_strict_arp: true\nmetallb_protocol: layer2");
        Assert.Contains("L2Advertisement/l2advertisement1", result.Titles());
    }

    [Fact]
    public void RefusesTemplateStatements() => Imported.Kubespray("data:\n{% for pool in pools %}\n  a: {{ pool }}\n{% endfor %}")
        .Says("addons.yml:2: error: {% for pool in pools %} is a statement of a template: render it first");

    [Theory]
    [InlineData("kube_proxy_mode: ipvs\nkube_proxy_strict_arp: false", "k8s-cluster.yml:2: error: kube_proxy_strict_arp: is false and kube_proxy_mode is ipvs: every node would answer ARP for every address")]
    [InlineData("kube_proxy_mode: ipvs", "k8s-cluster.yml:1: error: kube_proxy_strict_arp: is not set and kube_proxy_mode is ipvs")]
    [InlineData("kube_proxy_strict_arp: no", "k8s-cluster.yml:1: error: kube_proxy_strict_arp: is false")]
    [InlineData("other: 1", "addons.yml: note: kube_proxy_strict_arp: is not in what was given")]
    [InlineData("kube_vip_enabled: true\nkube_vip_services_enabled: true", "k8s-cluster.yml:2: warning: kube_vip_services_enabled: kube-vip gives addresses to Services")]
    [InlineData("cilium_l2announcements: true", "k8s-cluster.yml:1: warning: cilium_l2announcements: Cilium announces Services on layer 2")]
    [InlineData("cilium_loadbalancer_ip_pools:\n  - name: blue", "k8s-cluster.yml:1: warning: cilium_loadbalancer_ip_pools: Cilium gives addresses to Services")]
    [InlineData("calico_advertise_service_loadbalancer_ips: [10.0.0.0/24]", "k8s-cluster.yml:1: warning: calico_advertise_service_loadbalancer_ips: Calico announces these addresses, and so does the speaker")]
    public void LooksAtTheRestOfTheCluster(string cluster, string notice) =>
        Imported.Kubespray("metallb_enabled: true\nmetallb_ip_range: [10.0.0.0/24]", cluster).Says(notice);

    [Theory]
    [InlineData("kube_proxy_mode: nftables\nkube_proxy_strict_arp: false")]
    [InlineData("kube_proxy_mode: ipvs\nkube_proxy_remove: true")]
    [InlineData("kube_proxy_mode: ipvs\nkube_proxy_strict_arp: true\nkube_vip_enabled: true\nkube_vip_controlplane_enabled: true\ncilium_l2announcements: false")]
    public void IsContentWithAClusterThatSuits(string cluster) =>
        Imported.Kubespray("metallb_enabled: true\nmetallb_ip_range: [10.0.0.0/24]", cluster).IsQuiet(ImportSeverity.Note);

    [Fact]
    public void SeesWhatCalicoDoesNotAnnounce()
    {
        var result = Imported.Kubespray("""
            metallb_enabled: true
            metallb_speaker_enabled: false
            metallb_config:
              address_pools: {primary: {ip_range: [10.5.0.0/16]}, other: {ip_range: [10.6.0.0/16]}}
              layer2: [primary, other]
            calico_advertise_service_loadbalancer_ips: "{{ metallb_config.address_pools.primary.ip_range }}"
            """);
        result.Says("warning: calico_advertise_service_loadbalancer_ips: does not cover 10.6.0.0-10.6.255.255");
        Assert.DoesNotContain(result.Notices, notice => notice.ToString().Contains("10.5.", StringComparison.Ordinal));
        Assert.Equal("""{"speaker":{"enabled":false}}""", result.HelmValues.ToJsonString());
    }
}
