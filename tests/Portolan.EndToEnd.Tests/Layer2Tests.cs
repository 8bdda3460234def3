using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Portolan.EndToEnd.Tests;

/// <summary>What is really on the wire, seen from the client by tcpdump.</summary>
[Collection(LabCollection.Name)]
public sealed class Layer2Tests(LabFixture fixture)
{
    private const string Vip = LabFixture.Vip;
    private readonly Lab _lab = fixture.Lab;

    [Fact]
    public async Task ExactlyOneNodeAnswersWithItsOwnMac()
    {
        await fixture.SpeakersReadyAsync();
        await _lab.AnswersAsync(Vip);
        var mac = _lab.Mac((await Shell.EventuallyAsync(() => Task.FromResult(_lab.Announcer()), node => node is not null, 10, "an announcer"))!);
        using var capture = new Capture(_lab, "arp");
        await capture.ReadyAsync();
        _lab.On("client", $"arping -c 5 -W 0.2 -I eth0 {Vip}");
        var replies = await capture.StopAsync(line => line.Contains($"Reply {Vip} is-at", StringComparison.Ordinal));
        Assert.True(replies.Count >= 5, string.Join('\n', replies));
        Assert.All(replies, reply =>
        {
            Assert.StartsWith(mac, Regex.Match(reply, "([0-9a-f:]{17}) > ").Groups[1].Value);
            Assert.Contains($"is-at {mac}", reply);
        });
    }

    [Fact, Contract("§1.7 ServiceL2Status"), Contract("§2 speaker events")]
    public async Task SaysWhereItIsAnnounced_OnceAndWithTheLabelsOthersSelectBy()
    {
        await fixture.SpeakersReadyAsync();
        await _lab.AnswersAsync(Vip);
        var node = (await Shell.EventuallyAsync(() => Task.FromResult(_lab.Announcer()), node => node is not null, 10, "an announcer"))!;
        var status = JsonNode.Parse(_lab.Kubectl("get servicel2statuses -n metallb-system -l metallb.io/service-name=myweb-svc-lb,metallb.io/service-namespace=default -o json").Succeeds().Output)!["items"]!.AsArray();
        var only = Assert.Single(status)!;
        Assert.StartsWith("l2-", (string)only["metadata"]!["name"]!);
        Assert.Equal(node, (string?)only["metadata"]!["labels"]!["metallb.io/node"]);
        Assert.Equal(("default", "myweb-svc-lb"), ((string?)only["status"]!["serviceNamespace"], (string?)only["status"]!["serviceName"]));
        var owner = Assert.Single(only["metadata"]!["ownerReferences"]!.AsArray())!;
        Assert.Equal("Pod", (string?)owner["kind"]);
        Assert.Equal(node, _lab.Kubectl($"get pod -n metallb-system {owner["name"]} -o jsonpath={{.spec.nodeName}}").Succeeds().Output.Trim());

        int Told() => _lab.Kubectl("get events --field-selector involvedObject.name=myweb-svc-lb,reason=nodeAssigned -o jsonpath='{range .items[*]}{.count}{\"\\n\"}{end}'").Succeeds().Lines.Sum(int.Parse);
        var before = Told();
        Assert.True(before > 0);
        _lab.Kubectl("annotate service myweb-svc-lb touched=yes").Succeeds();
        _lab.Kubectl("annotate service myweb-svc-lb touched-").Succeeds();
        await Task.Delay(1000);
        Assert.Equal(before, Told());
    }

    [Fact]
    public async Task GratuitousArpGoesOutAtOnceOnTakeover()
    {
        await fixture.SpeakersReadyAsync();
        await _lab.AnswersAsync(Vip);
        var victim = await Shell.EventuallyAsync(() => Task.FromResult(_lab.Announcer()), node => node is not null, 10, "an announcer");
        using var capture = new Capture(_lab, "arp");
        await capture.ReadyAsync();
        try
        {
            _lab.Portolan($"lab kill --name {_lab.Name} {victim}").Succeeds();
            await _lab.AnswersAsync(Vip, 20);
            var heir = await Shell.EventuallyAsync(() => Task.FromResult(_lab.Announcer()), node => node is not null && node != victim, 20, "another announcer");
            var mac = _lab.Mac(heir!);
            var gratuitous = await capture.StopAsync(line => line.Contains("ff:ff:ff:ff:ff:ff", StringComparison.Ordinal) && line.Contains(Vip, StringComparison.Ordinal) && line.StartsWith(mac, StringComparison.Ordinal));
            Assert.Contains(gratuitous, line => line.Contains($"Request who-has {Vip}", StringComparison.Ordinal) && line.Contains($"tell {Vip}", StringComparison.Ordinal));
            Assert.Contains(gratuitous, line => line.Contains($"Reply {Vip} is-at {mac}", StringComparison.Ordinal));
        }
        finally
        {
            _lab.Portolan($"lab start --name {_lab.Name} {victim}").Succeeds();
        }

        await fixture.SpeakersReadyAsync();
        await fixture.PodsReadyAsync();
        await _lab.AnswersAsync(Vip);
    }
}
