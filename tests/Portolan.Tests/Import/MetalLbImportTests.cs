using System.Text.Json;
using CsCheck;
using Portolan.Commands;
using Portolan.Hosting;

namespace Portolan.Tests.Import;

/// <summary>The ConfigMap of MetalLB up to 0.12.</summary>
public sealed class MetalLbImportTests
{
    private const string Full = """
        peers:
        - peer-address: 10.0.0.1
          peer-asn: 64512
          my-asn: 64512
        - peer-address: 10.0.0.2
          peer-asn: 64513
          my-asn: 64512
          source-address: 10.0.0.9
          peer-port: 1179
          hold-time: 3m
          keepalive-time: 1m
          router-id: 10.0.0.99
          password: "nopass"
          bfd-profile: Quick_One
          ebgp-multihop: true
          node-selectors:
          - match-labels:
              rack: frontend
            match-expressions:
            - key: network-speed
              operator: NotIn
              values: [slow]
        bgp-communities:
          bar: 64512:1234
          no-advertise: 65535:65282
        address-pools:
        - name: Pool_1
          protocol: bgp
          addresses:
          - 10.20.0.0/16
          - 10.50.0.0-10.50.0.255
          avoid-buggy-ips: true
          auto-assign: false
          bgp-advertisements:
          - aggregation-length: 32
            localpref: 100
            communities: ["bar", "1234:2345"]
          - aggregation-length: 24
            aggregation-length-v6: 64
        - name: pool2
          protocol: layer2
          addresses:
          - 10.30.0.0/16
          - fc00:f853:ccd:e799::/124
        - name: pool3
          protocol: bgp
          addresses: [10.40.0.0/16]
        bfd-profiles:
        - name: Quick_One
          receive-interval: 150
          transmit-interval: 151
          detect-multiplier: 5
          echo-interval: 52
          echo-mode: true
          passive-mode: true
          minimum-ttl: 254
        """;

    [Fact]
    public void ConvertsEveryKey()
    {
        var result = Imported.MetalLb(Full);
        Assert.False(result.HasErrors);
        Assert.Equal(
            [
                "Secret/peer2-password", "Community/communities", "BFDProfile/quick-one", "IPAddressPool/pool-1", "IPAddressPool/pool2", "IPAddressPool/pool3", "BGPPeer/peer1",
                "BGPPeer/peer2", "L2Advertisement/l2advertisement1", "BGPAdvertisement/bgpadvertisement1", "BGPAdvertisement/bgpadvertisement2", "BGPAdvertisement/bgpadvertisement3",
            ],
            result.Titles());
        Assert.Equal("""{"myASN":64512,"peerASN":64512,"peerAddress":"10.0.0.1","holdTime":"1m30s"}""", result.Spec("BGPPeer/peer1"));
        Assert.Equal(Imported.Line("""
            myASN: 64512
            peerASN: 64513
            peerAddress: 10.0.0.2
            sourceAddress: 10.0.0.9
            peerPort: 1179
            holdTime: 3m0s
            keepaliveTime: 1m0s
            routerID: 10.0.0.99
            nodeSelectors: [{matchLabels: {rack: frontend}, matchExpressions: [{key: network-speed, operator: NotIn, values: [slow]}]}]
            bfdProfile: quick-one
            ebgpMultiHop: true
            passwordSecret: {name: peer2-password, namespace: metallb-system}
            """), result.Spec("BGPPeer/peer2"));
        Assert.Equal("""{"communities":[{"name":"bar","value":"64512:1234"},{"name":"no-advertise","value":"65535:65282"}]}""", result.Spec("Community/communities"));
        Assert.Equal("""{"addresses":["10.20.0.0/16","10.50.0.0-10.50.0.255"],"autoAssign":false,"avoidBuggyIPs":true}""", result.Spec("IPAddressPool/pool-1"));
        Assert.Equal("""{"ipAddressPools":["pool-1"],"aggregationLength":32,"localPref":100,"communities":["bar","1234:2345"]}""", result.Spec("BGPAdvertisement/bgpadvertisement1"));
        Assert.Equal("""{"ipAddressPools":["pool-1"],"aggregationLength":24,"aggregationLengthV6":64}""", result.Spec("BGPAdvertisement/bgpadvertisement2"));
        Assert.Equal("""{"ipAddressPools":["pool3"]}""", result.Spec("BGPAdvertisement/bgpadvertisement3"));
        Assert.Equal("""{"ipAddressPools":["pool2"]}""", result.Spec("L2Advertisement/l2advertisement1"));
        Assert.Equal(
            """{"receiveInterval":150,"transmitInterval":151,"echoInterval":52,"detectMultiplier":5,"minimumTtl":254,"echoMode":true,"passiveMode":true}""", result.Spec("BFDProfile/quick-one"));
        result.Says("config.yaml:27: warning: address-pools[0].name: Pool_1 is no name the API accepts; the IPAddressPool is named pool-1; Services that ask for it by name must be changed likewise");
    }

    [Theory]
    [InlineData("address-pools:\n- name: a\n  protocol: bgp\n  addresses: [10.0.0.0/24]\n  bgp-advertisements: [{aggregation-length: 16}]", "config.yaml:5: error: BGPAdvertisement bgpadvertisement1: spec.aggregationLength: 16: ")]
    [InlineData("peers:\n- {peer-address: 10.0.0.1, peer-asn: 1, my-asn: 2, bfd-profile: fast}", "config.yaml:2: error: BGPPeer peer1: spec.bfdProfile: fast: ")]
    [InlineData("peers:\n- {peer-address: 10.0.0.1, peer-asn: 1, my-asn: 2}\n- {peer-address: 10.0.0.1, peer-asn: 1, my-asn: 2}", "config.yaml:3: error: BGPPeer peer2: ")]
    [InlineData("peers:\n- {peer-address: 10.0.0.1, peer-asn: 1, my-asn: 2, node-selectors: [{match-labels: {a: b}}]}\n- {peer-address: 10.0.0.1, peer-asn: 3, my-asn: 2, node-selectors: [{match-labels: {a: c}}]}", ", unless their nodes differ")]
    [InlineData("peers:\n- {peer-address: 10.0.0.1, peer-asn: 1, my-asn: 2, node-selectors: [{match-expressions: [{key: a, operator: Like, values: [b]}]}]}", "config.yaml:2: error: BGPPeer peer1: spec.nodeSelectors[0].matchExpressions[0].operator: Like: ")]
    public void SaysWhatTheControllerWouldRefuse(string text, string notice) => Imported.MetalLb(text).Says(notice);

    [Fact]
    public void TakesAManifestWithItsNamespaceAndItsLines()
    {
        var result = Imported.MetalLb("""
            apiVersion: v1
            kind: ConfigMap
            metadata:
              namespace: lb
              name: config
            data:
              config: |
                address-pools:
                - name: default
                  protocol: layer2
                  addresses:
                  - 192.168.1.250-192.168.1.240
                  - 192.168.1.0/28
            """);
        Assert.Equal("lb", (string?)result.Object("L2Advertisement/l2advertisement1")["metadata"]!["namespace"]);
        result.Says("config.yaml:12: error: address-pools[0].addresses[0]: 192.168.1.250-192.168.1.240: range ends before it starts; left out");
        Assert.True(result.HasErrors);
    }

    [Theory]
    [InlineData("""{"apiVersion":"v1","kind":"List","items":[{"kind":"ConfigMap","metadata":{"name":"kube-root-ca.crt"},"data":{"ca.crt":"x"}},{"kind":"ConfigMap","metadata":{"name":"config"},"data":{"config":"address-pools:\n- name: a\n  protocol: layer2\n  addresses: [10.0.0.0/24]\n"}}]}""")]
    [InlineData("apiVersion: v1\nkind: ConfigMapList\nitems:\n- kind: ConfigMap\n  data:\n    config: |\n      address-pools: [{name: a, protocol: layer2, addresses: [10.0.0.0/24]}]")]
    [InlineData("config: |\n  address-pools:\n  - name: a\n    protocol: layer2\n    addresses: [10.0.0.0/24]")]
    [InlineData("$ kubectl -n metallb-system get cm config -o yaml\napiVersion: v1\nkind: ConfigMap\ndata:\n  config: |\n    address-pools:\n    - name: a\n      protocol: layer2\n      addresses:\n      - 10.0.0.0/24")]
    public void TakesWhatKubectlPrints(string text)
    {
        var result = Imported.MetalLb(text);
        result.IsQuiet();
        Assert.Equal(["IPAddressPool/a", "L2Advertisement/l2advertisement1"], result.Titles());
    }

    [Theory]
    [InlineData("kind: ConfigMap\ndata: {}", "error: holds no configuration of MetalLB")]
    [InlineData("address-pools:\n- protocol: layer2\n  addresses: [10.0.0.0/24]", "config.yaml:2: error: address-pools[0].name: is missing; the pool is left out")]
    [InlineData("address-pools:\n- name: a\n  protocol: arp\n  addresses: [10.0.0.0/24]", "config.yaml:3: error: address-pools[0].protocol: arp: must be layer2 or bgp")]
    [InlineData("address-pools:\n- name: a\n  protocol: bgp\n  addresses: [10.0.0.0/24]", "warning: peers: is missing: pools with protocol bgp are announced to nobody")]
    [InlineData("address-pools:\n- name: a\n  protocol: layer2\n  adresses: [10.0.0.0/24]", "config.yaml:4: warning: address-pools[0].adresses: is not read by anybody; left out (did you mean addresses?)")]
    [InlineData("address-pools:\n- name: a\n  protocol: layer2\n  addresses: [10.0.0.0/24]\n  bgp-advertisements: [{localpref: 1}]", "config.yaml:5: warning: address-pools[0].bgp-advertisements: means nothing with protocol layer2")]
    [InlineData("address-pools:\n- {name: A, protocol: layer2, addresses: [10.0.0.0/24]}\n- {name: a, protocol: layer2, addresses: [10.0.1.0/24]}", "config.yaml:3: warning: address-pools[1].name: another IPAddressPool is named a already; this one is named a-2")]
    [InlineData("peers:\n- {peer-address: 10.0.0.1, peer-asn: 1, my-asn: 2, hold-time: 2s}", "config.yaml:2: error: peers[0].hold-time: 2s: must be 0 or 3s..65535s")]
    [InlineData("peers:\n- {peer-address: 10.0.0.1, peer-asn: 1, my-asn: 2, hold-time: 9s, keepalive-time: 10s}", "config.yaml:2: error: peers[0].keepalive-time: 10s: must not be longer than the hold time 9s")]
    [InlineData("peers:\n- {peer-address: 10.0.0.1, peer-asn: 1, my-asn: 2, router-id: \"::1\"}", "config.yaml:2: error: peers[0].router-id: ::1: must be an IPv4 address")]
    [InlineData("bfd-profiles:\n- {name: a, receive-interval: 5}", "config.yaml:2: error: bfd-profiles[0].receive-interval: 5: must be a whole number 10..60000")]
    [InlineData("peer-autodiscovery: {my-asn: 1}\naddress-pools: []", "config.yaml:1: warning: peer-autodiscovery: has no counterpart among the objects")]
    public void SaysWhatIsBrokenOrAmbiguous(string text, string notice) => Imported.MetalLb(text).Says(notice);

    [Fact]
    public void CutsNamesToWhatTheApiAccepts()
    {
        var longName = new string('x', 80);
        var result = Imported.MetalLb($"address-pools:\n- {{name: {longName}1, protocol: layer2, addresses: [10.0.0.0/24]}}\n- {{name: {longName}2, protocol: layer2, addresses: [10.0.1.0/24]}}");
        Assert.Equal([new string('x', 63), new string('x', 61) + "-2"], result.Objects.Where(item => (string?)item["kind"] == "IPAddressPool").Select(item => (string)item["metadata"]!["name"]!));
    }

    [Fact]
    public async Task PrintsManifestsAndTellsByItsExitCode()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, Full, TestContext.Current.CancellationToken);
            var (output, error) = (new StringWriter(), new StringWriter());
            Assert.Equal(ExitCode.Done, await CommandTree.Create().Parse($"import metallb {file} -o json --namespace lb").InvokeAsync(new() { Output = output, Error = error }, TestContext.Current.CancellationToken));
            var list = JsonDocument.Parse(output.ToString()).RootElement;
            Assert.Equal("List", list.GetProperty("kind").GetString());
            Assert.Equal(12, list.GetProperty("items").GetArrayLength());
            Assert.All(error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Equal(file, JsonDocument.Parse(line).RootElement.GetProperty("file").GetString()));

            await File.WriteAllTextAsync(file, "nothing: here", TestContext.Current.CancellationToken);
            Assert.Equal(ExitCode.NotWell, await CommandTree.Create().Parse($"import metallb {file}").InvokeAsync(new() { Output = output, Error = error }, TestContext.Current.CancellationToken));
            Assert.Equal(ExitCode.Usage, await CommandTree.Create().Parse($"import kubespray {file}.gone").InvokeAsync(new() { Output = output, Error = error }, TestContext.Current.CancellationToken));
        }
        finally
        {
            File.Delete(file);
        }

        Assert.Single(CommandTree.Create().Parse("import metallb").Errors);
        Assert.NotEmpty(CommandTree.Create().Parse("import metallb x -o xml").Errors);
    }

    /// <summary>A text of bytes from anywhere is converted or reported: nothing is thrown.</summary>
    [Fact]
    public void NeverThrows()
    {
        var words = new[] { "metallb_config:", "address_pools:", "- ", "{{", "}}", "{", "}", "[", "]", ":", "\n", "\n  ", "&a", "*a", "<<:", "'", "\"", "|", "!vault", "metallb_ip_range", "10.0.0.0/8", "peers", "kind: ConfigMap", "data", "\t", "...", "```", "#", "12 ", "metallb_peers", "a|b", "layer3", "?" };
        Check.Sample(Gen.Int[0, words.Length - 1].Array[0, 40], picks =>
        {
            var text = string.Concat(picks.Select(pick => words[pick]));
            Imported.Kubespray(text);
            Imported.MetalLb(text);
        }, iter: 3_000);
    }
}
