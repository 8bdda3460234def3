using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Announcements;

public sealed class AnnouncementPlanTests
{
    private static readonly ServiceFacts Service = Given.Service("192.168.100.240");

    [Fact, Contract("§2 foreign addresses")]
    public void AnnouncesAllAddressesOfTheService()
    {
        var context = Given.Context with { Pools = Dual() };
        var plan = Given.Plan(Given.Service("192.168.100.240", "fd00:100::f0"), context);
        Assert.Equal(["192.168.100.240", "fd00:100::f0"], plan.Addresses.Select(address => address.ToString()));
        Assert.Equal(Given.Plan(Service).Election, plan.Election); // the first address is the salt for both
        Assert.Empty(plan.Interfaces);
    }

    [Theory]
    [InlineData(ServiceType.ClusterIP, WithdrawalReason.NotLoadBalancer)]
    [InlineData(ServiceType.NodePort, WithdrawalReason.NotLoadBalancer)]
    [InlineData(ServiceType.LoadBalancer, WithdrawalReason.None)]
    public void AnnouncesLoadBalancersOnly(ServiceType type, WithdrawalReason expected) => Assert.Equal(expected, Given.Plan(Service with { Type = type }).Reason);

    [Fact]
    public void AnnouncesItsOwnClassOnly()
    {
        Assert.Equal(WithdrawalReason.NotLoadBalancer, Given.Plan(Service with { LoadBalancerClass = "cloud" }).Reason);
        var context = Given.Context with { LoadBalancerClass = "portolan" };
        Assert.Equal(WithdrawalReason.NotLoadBalancer, Given.Plan(Service, context).Reason);
        Assert.Equal(WithdrawalReason.None, Given.Plan(Service with { LoadBalancerClass = "portolan" }, context).Reason);
    }

    [Fact, Contract("§2 withdrawal reasons")]
    public void SaysWhyNothingIsAnnounced()
    {
        Assert.Equal(WithdrawalReason.NoIPAllocated, Given.Plan(Given.Service()).Reason);
        Assert.Equal(WithdrawalReason.IPNotAllowed, Given.Plan(Given.Service("172.16.0.1")).Reason);
        Assert.Equal(WithdrawalReason.IPNotAllowed, Given.Plan(Given.Service("192.168.100.240", "10.9.0.1")).Reason);
        Assert.Equal(WithdrawalReason.NoMatchingAdvertisement, Given.Plan(Service, Given.Context with { Advertisements = [] }).Reason);
        Assert.Equal(WithdrawalReason.NoEndpoints, Given.Plan(Service, null, Given.Endpoint("node1", ready: false, serving: false)).Reason);
        Assert.Equal(WithdrawalReason.NoEndpoints, AnnouncementPlan.For(Service, [], Given.Context).Reason);
        Assert.Equal(WithdrawalReason.NoEndpoints, AnnouncementPlan.For(Service, [], Given.Context).On("node1"));
    }

    [Fact, Contract("§1.2 pools"), Contract("§1.2 serviceSelectors")]
    public void FollowsThePoolsAndServicesAnAdvertisementNames()
    {
        AnnouncementContext With(params Layer2Advertisement[] advertisements) => Given.Context with { Advertisements = advertisements };
        Assert.Equal(WithdrawalReason.None, Given.Plan(Service, With(new Layer2Advertisement { Name = "a", IPAddressPools = ["lan"] })).Reason);
        Assert.Equal(WithdrawalReason.NoMatchingAdvertisement, Given.Plan(Service, With(new Layer2Advertisement { Name = "a", IPAddressPools = ["other"] })).Reason);
        Assert.Equal(WithdrawalReason.None, Given.Plan(Service, With(new Layer2Advertisement { Name = "a", IPAddressPools = ["other"], IPAddressPoolSelectors = [Given.Label("pool", "lan")] })).Reason);
        Assert.Equal(WithdrawalReason.None, Given.Plan(Service, With(new Layer2Advertisement { Name = "a", ServiceSelectors = [Given.Label("app", "web")] })).Reason);
        Assert.Equal(WithdrawalReason.NoMatchingAdvertisement, Given.Plan(Service, With(new Layer2Advertisement { Name = "a", ServiceSelectors = [Given.Label("app", "mail")] })).Reason);
    }

    [Fact]
    public void RefusesToTearSharersApart()
    {
        var context = Given.Context with { Advertisements = [new Layer2Advertisement { Name = "a", ServiceSelectors = [Given.Label("app", "web")] }] };
        var sharing = Service with { Annotations = new Dictionary<string, string> { ["metallb.io/allow-shared-ip"] = "key" } };
        Assert.Equal(WithdrawalReason.SharedIPWithServiceSelector, Given.Plan(sharing, context).Reason);
        Assert.Equal(WithdrawalReason.None, Given.Plan(sharing).Reason);
    }

    [Fact, Contract("§1.2 interfaces")]
    public void UnitesTheInterfacesOfTheWinnersAdvertisements()
    {
        var context = Given.Context with
        {
            Nodes = [Given.Node("node1", ("rack", "a"))],
            Advertisements =
            [
                new Layer2Advertisement { Name = "a", Interfaces = ["eth1", "eth0"] },
                new Layer2Advertisement { Name = "b", Interfaces = ["eth2"], NodeSelectors = [Given.Label("rack", "a")] },
                new Layer2Advertisement { Name = "c", Interfaces = ["eth3"], NodeSelectors = [Given.Label("rack", "b")] },
            ],
        };
        Assert.Equal(["eth0", "eth1", "eth2"], Given.Plan(Service, context).Interfaces);
        context = context with { Advertisements = [.. context.Advertisements, new Layer2Advertisement { Name = "all" }] };
        Assert.Empty(Given.Plan(Service, context).Interfaces);
    }

    [Fact]
    public void NamesEveryReason()
    {
        foreach (var reason in Enum.GetValues<WithdrawalReason>())
            Assert.Equal(reason is WithdrawalReason.None, reason.Name().Length == 0);
    }

    private static PoolSet Dual() => PoolSet.Empty.Update([new AddressPoolSpec { Name = "dual", Addresses = ["192.168.100.240/28", "fd00:100::f0/124"] }]);
}
