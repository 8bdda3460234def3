using System.Text.RegularExpressions;

namespace Portolan.EndToEnd.Tests;

/// <summary>The article's way of installing, by Ansible from Kubespray's inventory, and by import, in a lab of its own that has no load balancer yet.</summary>
[Collection(LabCollection.Name)]
public sealed class KubesprayTests : IAsyncLifetime
{
    private const string Playbook = "ansible-playbook -i examples/kubespray/inventory/mycluster/inventory.ini deploy/ansible/portolan.yml";

    private readonly Lab _lab = new("spray");

    public ValueTask InitializeAsync()
    {
        _lab.Down();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _lab.Down();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task ThePlaybookGivesTheArticlesServiceItsAddress()
    {
        Assert.SkipUnless(Shell.Run("command -v ansible-playbook").ExitCode == 0, "there is no ansible-playbook; ./test.sh installs it where it can");
        _lab.Up("--without-portolan");
        _lab.Kubectl("create -f examples/article/").Succeeds();
        Assert.Matches("(?m)^myweb-svc-lb .*<pending>", _lab.Kubectl("get svc").Output);

        // Asked what it would do, it does nothing.
        Assert.Matches("changed=[1-9].* failed=0", Ansible("--check").Output);
        Assert.NotEqual(0, _lab.Kubectl("get ns metallb-system").ExitCode);

        // Strict ARP is looked at before anything is touched.
        var refused = Shell.Run($"{Playbook} -e kube_proxy_mode=ipvs -e kube_proxy_strict_arp=false", _lab.Variables, 120).Fails();
        Assert.Contains("set kube_proxy_strict_arp to true", refused.Output, StringComparison.Ordinal);
        Assert.NotEqual(0, _lab.Kubectl("get ns metallb-system").ExitCode);

        _lab.Apply(KubeProxyInIpvsMode).Succeeds();
        Assert.Contains("kube-proxy runs in IPVS mode without strictARP", Shell.Run(Playbook, _lab.Variables, 120).Fails().Output, StringComparison.Ordinal);
        _lab.Apply(KubeProxyInIpvsMode, "delete").Succeeds();

        // Neither is a MetalLB of another name stepped on.
        _lab.Kubectl("create deployment metallb-controller --image portolan --replicas 0").Succeeds();
        _lab.Kubectl("label deployment metallb-controller app.kubernetes.io/name=metallb").Succeeds();
        Assert.Contains("default/metallb-controller serves the same Services", Shell.Run(Playbook, _lab.Variables, 120).Fails().Output, StringComparison.Ordinal);
        _lab.Kubectl("delete deployment metallb-controller").Succeeds();

        Assert.Matches("changed=2 .* failed=0", Ansible().Output);
        Assert.Equal(LabFixture.Vip, await Shell.EventuallyAsync(
            async () => (await _lab.KubectlAsync("get svc myweb-svc-lb -o jsonpath='{.status.loadBalancer.ingress[0].ip}'")).Output, ip => ip.Length > 0, 20, "an address"));
        Assert.StartsWith("myweb-rs-", await _lab.AnswersAsync(LabFixture.Vip, 30), StringComparison.Ordinal);
        Assert.Matches("(?m)^loadbalanced +true +false +\\[\"192.168.100.240-192.168.100.249\"\\]$", _lab.Kubectl("get ipaddresspools -n metallb-system").Succeeds().Output);

        // Again: nothing to do, asked or told.
        Assert.Matches("changed=0 .* failed=0", Ansible("--check").Output);
        Assert.Matches("changed=0 .* failed=0", Ansible().Output);

        // Where the processes run and how much they log is Kubespray's to say.
        var placed = Ansible("""-e '{"metallb_log_level":"debug","metallb_controller_tolerations":[{"key":"edge","operator":"Exists"}],"metallb_speaker_nodeselector":{"kubernetes.io/hostname":"node1"}}'""");
        Assert.Matches("changed=1 .* failed=0", placed.Output);
        Assert.Contains("--log-level=debug", _lab.Kubectl("get deployment controller -n metallb-system -o jsonpath='{.spec.template.spec.containers[0].args}'").Output, StringComparison.Ordinal);
        Assert.Contains("\"edge\"", _lab.Kubectl("get deployment controller -n metallb-system -o jsonpath='{.spec.template.spec.tolerations}'").Output, StringComparison.Ordinal);
        Assert.Equal("{\"kubernetes.io/hostname\":\"node1\",\"kubernetes.io/os\":\"linux\"}", _lab.Kubectl("get ds speaker -n metallb-system -o jsonpath='{.spec.template.spec.nodeSelector}'").Output);

        // What is imported by hand is what the playbook applied; so is what the printed page says.
        Assert.DoesNotMatch("(?m)(created|configured)$", Import("examples/kubespray/inventory/mycluster/group_vars/k8s_cluster"));
        EveryKindIsAccepted();
    }

    // It runs nowhere: only what it says of itself is looked at.
    private const string KubeProxyInIpvsMode = """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: kube-proxy, namespace: kube-system}
        data:
          config.conf: |
            kind: KubeProxyConfiguration
            mode: ipvs
            ipvs: {strictARP: false}
        ---
        apiVersion: apps/v1
        kind: DaemonSet
        metadata: {name: kube-proxy, namespace: kube-system}
        spec:
          selector: {matchLabels: {k8s-app: kube-proxy}}
          template:
            metadata: {labels: {k8s-app: kube-proxy}}
            spec:
              nodeSelector: {runs: nowhere}
              containers: [{name: kube-proxy, image: portolan}]
        """;

    private Outcome Ansible(string options = "") => Shell.Run($"{Playbook} {options}", _lab.Variables, 180).Succeeds();

    private string Import(string source) => Shell.Run($"set -o pipefail; portolan import kubespray {source} | {Kubectls.Default} apply -f -", _lab.Variables).Succeeds().Output;

    private void EveryKindIsAccepted()
    {
        var addons = """
            metallb_enabled: true
            kube_proxy_strict_arp: true
            metallb_config:
              address_pools:
                edge: {ip_range: [10.99.0.0/24], auto_assign: no, avoid_buggy_ips: yes}
                far_away: {ip_range: [10.98.0.0/24]}
              layer2: [edge]
              layer3:
                defaults: {peer_port: 179, hold_time: 120s}
                communities: {vpn-only: "1234:1", NO_ADVERTISE: "65535:65282"}
                metallb_peers:
                  core:
                    peer_address: 192.0.2.1
                    peer_asn: 64512
                    my_asn: 4200000000
                    password: secret
                    router_id: 192.168.100.1
                    aggregation_length: 24
                    multihop: true
                    communities: [vpn-only, NO_ADVERTISE]
                    address_pool: [far_away]
            """;
        var config = """
            peers:
            - {peer-address: 10.0.0.2, peer-asn: 64513, my-asn: 64512, source-address: 10.0.0.9, hold-time: 3m, keepalive-time: 1m, bfd-profile: quick, password: x, node-selectors: [{match-labels: {rack: a}}]}
            bgp-communities: {bar: "64512:1234"}
            address-pools:
            - {name: old_pool, protocol: bgp, addresses: [10.20.0.0/16], bgp-advertisements: [{aggregation-length: 32, localpref: 100, communities: [bar]}, {aggregation-length: 24}]}
            - {name: older, protocol: layer2, addresses: [10.30.0.0-10.30.0.9]}
            bfd-profiles:
            - {name: quick, receive-interval: 150, transmit-interval: 151, detect-multiplier: 5, echo-interval: 52, passive-mode: true, minimum-ttl: 254}
            """;
        foreach (var (source, text, objects) in new[] { ("kubespray", addons, 11), ("metallb", config, 9) })
        {
            var command = $"set -o pipefail; portolan import {source} - <<'TEXT' | {Kubectls.Default} apply -f -\n{text}\nTEXT";
            var first = Shell.Run(command, _lab.Variables).Succeeds();
            Assert.Equal(objects, Regex.Count(first.Output, "(?m) (created|unchanged)$"));
            Assert.Equal(objects, Regex.Count(Shell.Run(command, _lab.Variables).Succeeds().Output, "(?m) unchanged$"));
        }

        var peer = _lab.Kubectl("get bgppeer peer1 -n metallb-system -o jsonpath='{.spec.passwordSecret.name} {.spec.holdTime}'").Output;
        Assert.Equal("peer1-password 3m0s", peer);
    }
}
