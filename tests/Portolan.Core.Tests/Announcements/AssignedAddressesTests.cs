using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Announcements;

public sealed class AssignedAddressesTests
{
    private static readonly ObjectKey Web = new("default", "web");
    private static readonly ObjectKey Mail = new("default", "mail");
    private static readonly IpAddress Vip = IpAddress.V4(0xc0a864f0);

    private readonly AssignedAddresses _assigned = new();

    [Fact]
    public void AnAddressIsNew_UntilSomebodyAnnouncesIt()
    {
        _assigned.Set(Web, [], isNews: true);
        _assigned.Set(Web, [Vip], isNews: true);
        _assigned.Set(Web, [Vip], isNews: true);
        Assert.True(_assigned.Announced(Vip));
        Assert.False(_assigned.Announced(Vip)); // takeover, failback
    }

    [Fact]
    public void WhatWasThereBeforeIsNotNew()
    {
        _assigned.Set(Web, [Vip], isNews: false);
        _assigned.Set(Web, [Vip], isNews: true);
        Assert.False(_assigned.Announced(Vip));
    }

    [Fact]
    public void ASharerGetsNothingNew()
    {
        _assigned.Set(Web, [Vip], isNews: false);
        _assigned.Set(Mail, [Vip], isNews: true);
        Assert.False(_assigned.Announced(Vip));
        _assigned.Set(Web, [], isNews: true);
        Assert.False(_assigned.Announced(Vip));
    }

    [Fact]
    public void AnAddressThatIsGivenAgainIsNewAgain()
    {
        _assigned.Set(Web, [Vip], isNews: true);
        Assert.True(_assigned.Announced(Vip));
        _assigned.Set(Web, [], isNews: true);
        _assigned.Set(Mail, [Vip], isNews: true);
        Assert.True(_assigned.Announced(Vip));
        _assigned.Set(Web, [IpAddress.V4(1)], isNews: true);
        _assigned.Set(Web, [], isNews: true);
        Assert.False(_assigned.Announced(IpAddress.V4(1)));
    }
}
