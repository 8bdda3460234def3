using Portolan.Commands.Import;

namespace Portolan.Tests.Import;

/// <summary>Forms (a), (b), (c): the variables of Kubespray 2.14 to 2.21.</summary>
public sealed class KubesprayOldFormTests
{
    // As the article prints it: line numbers, ellipses, comments in Korean.
    private const string Article = """
        ...
        138 # MetalLB deployment
        139 metallb_enabled: true #true로 수정
        140 metallb_speaker_enabled: true
        141 metallb_ip_range:     #주석 해제
        142   - "192.168.100.240-192.168.100.249" #범위 수정
        ...
        168 metallb_protocol: "layer2" #주석 해제
        ...
        """;

    private const string ArticleCluster = """
        # configure arp_ignore and arp_announce to avoid answering ARP queries from kube-ipvs0 interface
        # must be set to true for MetalLB to work
        kube_proxy_strict_arp: true
        """;

    [Fact]
    public void ReadsTheArticlesFragmentsAsTheyArePrinted()
    {
        var result = Imported.Kubespray(Article, ArticleCluster);
        result.IsQuiet();
        Assert.Equal(["Namespace/metallb-system", "IPAddressPool/loadbalanced", "L2Advertisement/loadbalanced"], result.Titles());
        Assert.Equal("""{"addresses":["192.168.100.240-192.168.100.249"]}""", result.Spec("IPAddressPool/loadbalanced"));
        Assert.Equal("""{"ipAddressPools":["loadbalanced"]}""", result.Spec("L2Advertisement/loadbalanced"));
        result.Says("addons.yml:7: note: the text leaves something out here");
    }

    [Fact]
    public void ReadsTheWholePage()
    {
        var page = $"""
            # A title

            Some words, and a Service:

            ```yaml
            apiVersion: v1
            kind: Service
            ```
            ```yaml
            {Article}
            ```
            then `k8s-cluster.yml`
            ```shell
            {ArticleCluster}
            ```
            ```shell
            $ kubectl get ns
            metallb-system    Active   48m
            ```
            """;
        var result = Imported.Kubespray(page);
        result.IsQuiet();
        Assert.Equal(["Namespace/metallb-system", "IPAddressPool/loadbalanced", "L2Advertisement/loadbalanced"], result.Titles());
    }

    [Fact]
    public void ReadsFurtherPools()
    {
        var result = Imported.Kubespray("""
            metallb_enabled: yes
            metallb_ip_range: ["10.5.0.50-10.5.0.99", 10.6.0.0/24]
            metallb_pool_name: main
            metallb_auto_assign: no
            metallb_avoid_buggy_ips: true
            metallb_additional_address_pools:
              kube_service_pool:
                ip_range:
                  - "10.5.1.50-10.5.1.99"
                protocol: "layer2"
                auto_assign: false
              second:
                ip_range: [10.7.0.0/24]
                avoid_buggy_ips: true
            kube_proxy_mode: iptables
            """);
        Assert.Equal("""{"addresses":["10.5.0.50-10.5.0.99","10.6.0.0/24"],"autoAssign":false,"avoidBuggyIPs":true}""", result.Spec("IPAddressPool/main"));
        Assert.Equal("""{"addresses":["10.5.1.50-10.5.1.99"],"autoAssign":false}""", result.Spec("IPAddressPool/kube-service-pool"));
        Assert.Equal("""{"addresses":["10.7.0.0/24"],"avoidBuggyIPs":true}""", result.Spec("IPAddressPool/second"));
        Assert.Equal(3, result.Titles().Count(title => title.StartsWith("L2Advertisement/", StringComparison.Ordinal)));
        result.Says("addons.yml:7: warning: metallb_additional_address_pools.kube_service_pool: kube_service_pool is no name the API accepts; the IPAddressPool is named kube-service-pool");
        result.Says("addons.yml:12: warning: metallb_additional_address_pools.second.protocol: is missing, which stops Kubespray; taken to be layer2");
        Assert.False(result.HasErrors);
    }

    [Fact]
    public void ReadsPeers()
    {
        var result = Imported.Kubespray("""
            metallb_enabled: "{{ true }}"
            metallb_speaker_enabled: "{{ metallb_enabled }}"
            metallb_protocol: bgp
            metallb_ip_range:
              - 10.5.0.0/24
            metallb_peers:
              - peer_address: 192.0.2.1
                peer_asn: "64512"
                my_asn: 4200000000
                password: "changeme"
                source_address: 192.0.2.9
                node_selectors:
                  - match-labels:
                      rack: "7"
                    match-expressions:
                      - { key: zone, operator: In, values: [a, b] }
              - peer_address: 192.0.2.2
                peer_asn: 64513
                my_asn: 4200000000
            kube_proxy_strict_arp: true
            """);
        Assert.DoesNotContain(result.Notices, notice => notice.Severity > ImportSeverity.Note);
        Assert.Equal(
            ["Namespace/metallb-system", "Secret/peer1-password", "IPAddressPool/loadbalanced", "BGPPeer/peer1", "BGPPeer/peer2", "BGPAdvertisement/loadbalanced"],
            result.Titles());
        Assert.Equal(Imported.Line("""
            myASN: 4200000000
            peerASN: 64512
            peerAddress: 192.0.2.1
            sourceAddress: 192.0.2.9
            holdTime: 1m30s
            nodeSelectors:
            - matchLabels: {rack: "7"}
              matchExpressions: [{key: zone, operator: In, values: [a, b]}]
            passwordSecret: {name: peer1-password, namespace: metallb-system}
            """), result.Spec("BGPPeer/peer1"));
        Assert.Equal("metallb.io/v1beta2", (string?)result.Object("BGPPeer/peer2")["apiVersion"]);
        Assert.Equal("changeme"u8.ToArray(), Convert.FromBase64String((string)result.Object("Secret/peer1-password")["data"]!["password"]!));
        Assert.Equal("kubernetes.io/basic-auth", (string?)result.Object("Secret/peer1-password")["type"]);
    }

    [Theory]
    [InlineData("metallb_enabled: false\nmetallb_ip_range: [10.0.0.0/24]", "addons.yml:1: warning: metallb_enabled: is false: Kubespray would install nothing")]
    [InlineData("metallb_ip_range: [10.0.0.0/24]", "addons.yml: warning: metallb_enabled: is not set, and false by default")]
    [InlineData("metallb_enabled: true\nmatallb_auto_assign: false\nmetallb_ip_range: [10.0.0.0/24]", "addons.yml:2: warning: matallb_auto_assign: was this variable's name in Kubespray 2.18 and 2.19 only")]
    [InlineData("metallb_enabled: true\nmetallb_ip_rang: [10.0.0.0/24]", "addons.yml:2: warning: metallb_ip_rang: is no variable that Kubespray reads; left out (did you mean metallb_ip_range?)")]
    [InlineData("metallb_enabled: true\n#metallb_ip_range:\n#  - 10.0.0.0/24", "addons.yml:2: error: metallb_ip_range: is commented out, and mandatory")]
    [InlineData("metallb_enabled: true\nmetallb_ip_range:\n#  - 10.0.0.0/24", "addons.yml:2: error: metallb_ip_range: has no value: are the lines below still commented out?")]
    [InlineData("metallb_enabled: true\n# metallb_config:\n#   address_pools:", "addons.yml:2: error: metallb_config: is commented out: there is no pool")]
    [InlineData("metallb_enabled: true\nmetallb_config:\n#   address_pools:", "addons.yml:2: error: metallb_config: has no value: are the lines below still commented out?")]
    [InlineData("metallb_enabled: true", "addons.yml: error: metallb_ip_range: is missing, and mandatory")]
    [InlineData("metallb_enabled: true\nmetallb_ip_range:\n  - 10.0.0.9-10.0.0.1", "addons.yml:3: error: metallb_ip_range[0]: 10.0.0.9-10.0.0.1: range ends before it starts; left out")]
    [InlineData("metallb_enabled: true\nmetallb_ip_range:\n  - 10.0.0.0/24\n  - 10.0.0.9-10.0.0.10", "addons.yml:4: error: metallb_ip_range[1]: 10.0.0.9-10.0.0.10: overlaps metallb_ip_range[0]; left out")]
    [InlineData("metallb_enabled: true\nmetallb_ip_range: 10.0.0.0/24", "addons.yml:2: warning: metallb_ip_range: must be a list; read as a list of one")]
    [InlineData("metallb_enabled: true\nmetallb_ip_range: [10.0.0.7]", "addons.yml:2: warning: metallb_ip_range[0]: 10.0.0.7 is a single address, which a pool does not take; written as 10.0.0.7/32")]
    [InlineData("metallb_enabled: true\nmetallb_ip_range: [10.0.0.0/24]\nmetallb_protocol: bgp", "addons.yml:3: error: metallb_peers: is missing, and mandatory where a pool has the protocol bgp")]
    [InlineData("metallb_enabled: true\nmetallb_ip_range: [10.0.0.0/24]\nmetallb_protocol: l2", "addons.yml:3: error: metallb_protocol: l2: must be layer2 or bgp")]
    [InlineData("metallb_enabled: \"true\"\nmetallb_ip_range: [10.0.0.0/24]", "addons.yml:1: warning: metallb_enabled: \"true\" is a text, not a boolean; read as true")]
    [InlineData("metallb_enabled: maybe\nmetallb_ip_range: [10.0.0.0/24]", "addons.yml:1: error: metallb_enabled: maybe: must be true or false")]
    [InlineData("metallb_enabled: true\nmetallb_ip_range: \"{{ pools_of_site }}\"", "addons.yml:2: error: metallb_ip_range: cannot be worked out: {{ pools_of_site }}: there is no such variable here")]
    [InlineData("metallb_enabled: true\nmetallb_ip_range: [10.0.0.0/24]\nmetallb_speaker_enabled: false", "addons.yml:3: warning: metallb_speaker_enabled: is false: only the controller gives out addresses")]
    [InlineData("metallb_enabled: true\n metallb_protocol: layer2\nmetallb_ip_range: [10.0.0.0/24]", "addons.yml:2: warning: is indented by one blank, as if only the '#' had been removed")]
    [InlineData("metallb_enabled: true\nmetallb_ip_range:\n\t- 10.0.0.0/24", "addons.yml:3: warning: is indented with a tab, which YAML forbids")]
    [InlineData("metallb_enabled: true\nmetallb_ip_range: [10.0.0.0/24]\nmetallb_ip_range: [10.0.1.0/24]", "addons.yml:3: warning: metallb_ip_range: is set at addons.yml:2 too; this one counts")]
    [InlineData("metallb_enabled: true\nmetallb_ip_range: [10.0.0.0/24]\nmetallb_memberlist_port: 7950", "addons.yml:3: warning: metallb_memberlist_port: changed only what the pod declared")]
    [InlineData("metallb_enabled: true\nmetallb_ip_range: [10.0.0.0/24", "addons.yml:3: error: this is not YAML")]
    [InlineData("helm_enabled: true", "addons.yml: error: has no variable of MetalLB")]
    [InlineData("metallb_enabled: true\nmetallb_ip_range: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162", "addons.yml:2: error: metallb_ip_range: is encrypted with Ansible Vault")]
    public void SaysWhatIsBrokenOrAmbiguous(string text, string notice) => Imported.Kubespray(text).Says(notice);

    [Fact]
    public void HonoursTheMisspeltVariable() => Assert.Contains("\"autoAssign\":false",
        Imported.Kubespray("metallb_enabled: true\nmatallb_auto_assign: no\nmetallb_ip_range: [10.0.0.0/24]").Spec("IPAddressPool/loadbalanced"), StringComparison.Ordinal);

    [Theory]
    [InlineData("  23 metallb_enabled: true\n  24 metallb_ip_range:\n  25   - 10.0.0.0/24")]
    [InlineData("   139\tmetallb_enabled: true\n   140\tmetallb_ip_range:\n   141\t  - 10.0.0.0/24")]
    [InlineData("9:metallb_enabled: true\n10:metallb_ip_range:\n11:  - 10.0.0.0/24")]
    [InlineData("```yaml\nmetallb_enabled: true\nmetallb_ip_range:\n  - 10.0.0.0/24\n```")]
    [InlineData("$ cat addons.yml\nmetallb_enabled: true\n…\nmetallb_ip_range:\n  - 10.0.0.0/24\nroot@deploy:~/kubespray#")]
    [InlineData("\uFEFFmetallb_enabled: true\r\nmetallb_ip_range:\r\n\u00A0\u00A0-\u00A010.0.0.0/24\r\n")]
    [InlineData("    metallb_enabled: True\n    metallb_ip_range:\n      - 10.0.0.0/24")]
    [InlineData("---\nmetallb_enabled: on\nmetallb_ip_range: &r\n  - 10.0.0.0/24\ncopy: *r\n...\n")]
    public void ReadsWhatWasPasted(string text)
    {
        var result = Imported.Kubespray(text + "\n");
        result.IsQuiet();
        Assert.Equal("""{"addresses":["10.0.0.0/24"]}""", result.Spec("IPAddressPool/loadbalanced"));
    }

    [Fact]
    public void KeepsWhatTheProcessesNeedAsValuesOfTheChart()
    {
        var result = Imported.Kubespray("""
            metallb_enabled: true
            metallb_ip_range: [10.0.0.0/24]
            metallb_speaker_nodeselector: {kubernetes.io/os: linux, edge: "true"}
            metallb_controller_tolerations:
              - key: node-role.kubernetes.io/control-plane
                operator: Exists
                effect: NoSchedule
            metallb_log_level: debug
            metallb_port: "7473"
            metallb_loadbalancer_class: example.com/edge
            """);
        result.IsQuiet();
        Assert.Equal(Imported.Line("""
            controller:
              tolerations: [{key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}]
              logLevel: debug
            speaker:
              nodeSelector: {kubernetes.io/os: linux, edge: "true"}
              logLevel: debug
            loadBalancerClass: example.com/edge
            prometheus: {metricsPort: 7473}
            """), result.HelmValues.ToJsonString());
    }
}
