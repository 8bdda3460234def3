using System.Text.RegularExpressions;

namespace Portolan.EndToEnd.Tests;

/// <summary><c>announceFrom: all</c> in a running cluster, asked for and given up again.</summary>
[Collection(LabCollection.Name)]
public sealed class AnnounceFromAllTests(LabFixture fixture) : IDisposable
{
    private const string Vip = "192.168.100.214";
    private readonly Lab _lab = fixture.Lab;

    [Fact]
    public async Task EveryNodeAnnounces_OneOfThemAnswersAClient_AndWithoutThePolicyOneAnnounces()
    {
        await fixture.SpeakersReadyAsync();
        _lab.Apply($$"""
            apiVersion: metallb.io/v1beta1
            kind: IPAddressPool
            metadata: {name: everywhere, namespace: metallb-system}
            spec: {addresses: [{{Vip}}/32], autoAssign: false}
            ---
            apiVersion: metallb.io/v1beta1
            kind: L2Advertisement
            metadata: {name: everywhere, namespace: metallb-system}
            spec: {ipAddressPools: [everywhere]}
            ---
            apiVersion: portolan.dev/v1alpha1
            kind: AnnouncementPolicy
            metadata: {name: everywhere, namespace: metallb-system}
            spec: {ipAddressPools: [everywhere], announceFrom: all}
            ---
            apiVersion: v1
            kind: Service
            metadata:
              name: everywhere
              annotations: {metallb.io/address-pool: everywhere}
            spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
            """).Succeeds();
        await AnnouncersAsync(nodes => nodes.Length == 3);
        await _lab.AnswersAsync(Vip);
        var macs = Regex.Matches(_lab.On("client", $"arping -c 5 -W 0.2 -I eth0 {Vip}").Output, "[0-9a-f]{2}(:[0-9a-f]{2}){5}").Select(match => match.Value).Distinct();
        Assert.Contains(Assert.Single(macs), new[] { "node1", "node2", "node3" }.Select(_lab.Mac));

        _lab.Kubectl("delete announcementpolicy -n metallb-system everywhere").Succeeds();
        await AnnouncersAsync(nodes => nodes.Length == 1);
    }

    [Fact]
    public void WhatContradictsItselfIsRefused() => Assert.Contains("spec.placement", _lab.Apply("""
        apiVersion: portolan.dev/v1alpha1
        kind: AnnouncementPolicy
        metadata: {name: wrong, namespace: metallb-system}
        spec: {announceFrom: all, placement: bounded}
        """).Fails().All);

    public void Dispose()
    {
        _lab.Kubectl("delete service --ignore-not-found everywhere");
        _lab.Kubectl("delete announcementpolicy,l2advertisement,ipaddresspool -n metallb-system --ignore-not-found everywhere wrong");
    }

    private Task<string[]> AnnouncersAsync(Predicate<string[]> condition) => Shell.EventuallyAsync(
        async () => (await _lab.KubectlAsync("get servicel2statuses -n metallb-system -l metallb.io/service-name=everywhere -o jsonpath='{.items[*].status.node}'")).Output.Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries).Distinct().ToArray(),
        nodes => condition(nodes), 30, "announcers");
}
