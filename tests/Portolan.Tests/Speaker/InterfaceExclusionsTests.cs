using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Linux.Links;
using Portolan.Speaker;

namespace Portolan.Tests.Speaker;

[Contract("§4 excludel2")]
public sealed class InterfaceExclusionsTests
{
    private readonly SpeakerState _state = new(new SpeakerOptions("node1", "metallb-system", "", "memberlist", null, false));

    [Fact]
    public void ExcludesWhatTheConfigMapSays_Instead()
    {
        Assert.False(Accepts("docker0"));
        Assert.True(On("""
            announcedInterfacesToExclude:
            - ^cali.*
            - "wan$"
            """));
        Assert.True(Accepts("docker0"));
        Assert.False(Accepts("cali12"));
        Assert.False(Accepts("my-wan")); // anywhere in the name, as in Go
        Assert.True(Accepts("wan0"));
        Assert.Empty(_state.Faults);
    }

    [Fact]
    public void MetalLBsOwnListIsTheDefault()
    {
        On("""
            announcedInterfacesToExclude: ["^docker.*", "^cbr.*", "^dummy.*", "^virbr.*", "^lxcbr.*", "^veth.*", "^lo$", "^cali.*", "^tunl.*", "^flannel.*", "^kube-ipvs.*", "^cni.*", "^nodelocaldns.*", "^lxc.*"]
            """);
        string[] excluded = ["docker0", "cbr0", "dummy1", "virbr0", "lxcbr0", "veth12", "cali1", "tunl0", "flannel.1", "kube-ipvs0", "cni0", "nodelocaldns", "lxc123"];
        Assert.DoesNotContain(excluded, Accepts);
        Assert.True(On(null));
        Assert.DoesNotContain(excluded, Accepts);
        Assert.True(Accepts("eth0"));
    }

    [Theory]
    [InlineData("announcedInterfacesToExclude: ['[a-']", "data[excludel2.yaml].announcedInterfacesToExclude[0]: is not a regular expression")]
    [InlineData("announcedInterfacesToExclude: [a, '(?=b)']", "data[excludel2.yaml].announcedInterfacesToExclude[1]: is not a regular expression")] // Go has no lookaround
    [InlineData("announcedInterfacesToExclude: [7]", "data[excludel2.yaml].announcedInterfacesToExclude[0]: is not a text")]
    [InlineData("announcedInterfacesToExclude: eth0", "data[excludel2.yaml].announcedInterfacesToExclude: is not a list")]
    [InlineData("- a", "data[excludel2.yaml]: is not one mapping")]
    [InlineData("a: [", "data[excludel2.yaml]: ")]
    public void AWrongOneIsReported_AndTheLastGoodOneStays(string text, string expected)
    {
        On("announcedInterfacesToExclude: ['^wan']");
        Assert.False(On(text));
        var fault = Assert.Single(_state.Faults);
        Assert.Equal(("ConfigMap", "metallb-excludel2"), (fault.Kind, fault.Name));
        Assert.StartsWith(expected, fault.Error.ToString(), StringComparison.Ordinal);
        Assert.False(Accepts("wan0"));
        Assert.True(Accepts("docker0"));
        Assert.True(On(null));
        Assert.Empty(_state.Faults);
        Assert.True(Accepts("wan0"));
    }

    [Fact]
    public void AnEmptyListExcludesNothing()
    {
        Assert.True(On("announcedInterfacesToExclude: []"));
        Assert.True(Accepts("docker0"));
        Assert.True(On(""));
        Assert.True(Accepts("docker0"));
    }

    private bool On(string? text) => _state.On(new Change<ConfigMap>(
        text is null ? ChangeKind.Deleted : ChangeKind.Modified, new ObjectKey("metallb-system", "metallb-excludel2"), null,
        text is null ? null : new ConfigMap { Data = new Dictionary<string, string> { ["excludel2.yaml"] = text } }));

    private bool Accepts(string name) =>
        _state.Interfaces.Accepts(new Link(2, name, LinkFlags.Up | LinkFlags.Broadcast, Link.Ethernet, LinkAddress.Read([2, 0, 0, 0, 0, 1]), 0, 1500, ""));
}
