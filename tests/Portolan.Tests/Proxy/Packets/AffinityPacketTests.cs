using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Tests.Proxy.Packets;

/// <summary><c>sessionAffinity: ClientIP</c>, by real packets of every protocol and both families.</summary>
public sealed class AffinityPacketTests : IClassFixture<TwoNodeLab>
{
    private readonly TwoNodeLab _lab;

    public AffinityPacketTests(TwoNodeLab lab)
    {
        NetworkNamespace.SkipUnlessRoot();
        _lab = lab;
    }

    public static TheoryData<IpFamily> Families => [IpFamily.IPv4, IpFamily.IPv6];

    private static readonly Protocol[] Protocols = Enum.GetValues<Protocol>();

    private static ServiceFacts Service(IpFamily family, int seconds) => TwoNodeLab.Service(family) with { AffinitySeconds = seconds };

    private static string[] Who(LabHost client, Protocol protocol, IpAddress to, int port, int times = 6) =>
        [.. client.AskMany(protocol, to, port, times).Select(answer => answer.From).Distinct()];

    private static string Same(LabHost client, Protocol protocol, IpFamily family, int times = 6) =>
        Assert.Single(Who(client, protocol, TwoNodeLab.ClusterIP(family), TwoNodeLab.ServicePortNumber, times));

    // Many clients, so that the same answer to all of them is no accident.
    private List<LabHost> ManyClients(IpFamily family)
    {
        var clients = new List<LabHost>();
        for (var i = 0; i < 12; i++)
        {
            var client = _lab.Client.From(IpAddress.V4(0xc0000264 + (uint)i), IpAddress.V6(IpAddress.Parse("fd00:2::100").Value + (UInt128)i));
            var address = client.Address(family);
            client.Namespace.Link($"addr replace {address}/{(family is IpFamily.IPv4 ? 24 : 64)} dev eth0{(family is IpFamily.IPv4 ? "" : " nodad")}");
            clients.Add(client);
        }

        return clients;
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.2-6")]
    public void BringsAClientBack_WhicheverAddressOfTheServicePortItUses(IpFamily family)
    {
        new ProgrammedTable(_lab, family).Set(Service(family, 60)).Endpoints("local", "local2", "remote").IsAsFromScratch();
        foreach (var protocol in Protocols)
        foreach (var client in (LabHost[])[_lab.Pod, _lab.Local, _lab.Node, _lab.Client])
        {
            var first = Same(client, protocol, family);
            Assert.Equal(first, Assert.Single(Who(client, protocol, TwoNodeLab.Vip(family), TwoNodeLab.ServicePortNumber)));
            Assert.Equal(first, Assert.Single(Who(client, protocol, TwoNodeLab.NodeIP(family), TwoNodeLab.NodePort)));
            Assert.Equal(first, Assert.Single(Who(client, protocol, TwoNodeLab.ExternalIP(family), TwoNodeLab.ServicePortNumber)));
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.2-6")]
    public void RemembersEachClientAndEachServicePortByItself(IpFamily family)
    {
        new ProgrammedTable(_lab, family).Set(Service(family, 60)).Endpoints("local", "local2", "remote");
        var clients = ManyClients(family);
        foreach (var protocol in Protocols)
            Assert.NotEqual(1, clients.Select(client => Same(client, protocol, family, 2)).Distinct().Count());
        Assert.Contains(clients, client => Same(client, Protocol.Tcp, family, 1) != Same(client, Protocol.Udp, family, 1));
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.2-8")]
    public void ForgetsAnEndpointThatIsNotUsableAnyMore(IpFamily family)
    {
        string[] all = ["local", "local2", "remote"];
        var programmed = new ProgrammedTable(_lab, family).Set(Service(family, 60)).Endpoints(all);
        foreach (var protocol in Protocols)
        {
            var first = Same(_lab.Client, protocol, family);

            // Draining, while others are ready: not usable, though it still serves.
            programmed.Endpoints(all.Select(name => name == first ? Backend.Draining(name) : new Backend(name)));
            var second = Same(_lab.Client, protocol, family);
            Assert.NotEqual(first, second);
            programmed.Endpoints(all);
            Assert.Equal(second, Same(_lab.Client, protocol, family));
        }

    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.2-8")]
    public void NeverBringsAClientToAnEndpointItsPolicyExcludes(IpFamily family)
    {
        var service = Service(family, 60) with { ExternalTrafficPolicy = TrafficPolicy.Local };
        var programmed = new ProgrammedTable(_lab, family).Set(service).Endpoints("remote");
        foreach (var protocol in Protocols)
            Assert.Equal("remote", Same(_lab.Client, protocol, family));
        programmed.Endpoints("remote", "local");
        foreach (var protocol in Protocols)
        {
            Assert.Equal("local", Assert.Single(Who(_lab.Client, protocol, TwoNodeLab.Vip(family), TwoNodeLab.ServicePortNumber)));
            Assert.Equal("local", Assert.Single(Who(_lab.Client, protocol, TwoNodeLab.NodeIP(family), TwoNodeLab.NodePort)));
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    [Contract("proxy §1.2-9")]
    public void EndsAtOnce_WhenTheServiceDoesWithout(IpFamily family)
    {
        var programmed = new ProgrammedTable(_lab, family).Set(Service(family, 10800)).Endpoints("local", "local2", "remote");
        foreach (var protocol in Protocols)
            Same(_lab.Client, protocol, family);
        programmed.Set(Service(family, 0));
        foreach (var protocol in Protocols)
            Assert.Equal(3, Who(_lab.Client, protocol, TwoNodeLab.ClusterIP(family), TwoNodeLab.ServicePortNumber, 40).Length);
        programmed.IsAsFromScratch();
    }

    [Fact]
    [Contract("proxy §1.2-7")]
    [Contract("proxy §1.2-10")]
    public void LastsItsTimeAfterTheLastConnection_AndNoLonger()
    {
        IpFamily[] families = [IpFamily.IPv4, IpFamily.IPv6];
        var programmed = families.ToDictionary(family => family, family => new ProgrammedTable(_lab, family).Set(Service(family, 3)).Endpoints("local", "local2", "remote"));
        var clients = families.ToDictionary(family => family, ManyClients);
        var first = Answers();
        for (var i = 0; i < 4; i++)
        {
            // Longer altogether than the time: each new connection begins it anew.
            Thread.Sleep(1000);
            Assert.Equal(first, Answers());
        }

        Thread.Sleep(3500);
        Assert.NotEqual(first, Answers());

        // Another time holds from each client's next connection on.
        Set(10800);
        first = Answers();
        Assert.Equal(first, Answers());
        Set(1);
        Answers();
        Thread.Sleep(1500);
        Assert.NotEqual(first, Answers());

        void Set(int seconds)
        {
            foreach (var family in families)
                programmed[family].Set(Service(family, seconds));
        }

        List<string> Answers() => [.. from family in families from client in clients[family] from protocol in Protocols select Same(client, protocol, family, 1)];
    }
}
