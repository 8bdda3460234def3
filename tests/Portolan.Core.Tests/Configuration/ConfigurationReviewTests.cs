using Portolan.Core.Addresses;
using Portolan.Core.Configuration;

namespace Portolan.Core.Tests.Configuration;

public sealed class ConfigurationReviewTests
{
    private static readonly ConfigurationObjects _known = ConfigurationObjects.Empty with { Namespace = "metallb-system" };

    [Fact]
    public void RefusesAPoolThatOverlapsAnother_AndLetsItReplaceItself()
    {
        var known = _known.With(Pool("lab", "10.0.0.0/24"));
        Assert.Equal(["spec.addresses[0]: 10.0.0.128-10.0.0.255: overlaps 10.0.0.0-10.0.0.255 of IPAddressPool lab"], Errors(known, Pool("other", "10.0.0.128/25")));
        Assert.Empty(Errors(known, Pool("lab", "10.0.0.128/25")));
    }

    [Fact]
    public void RefusesAnObjectInANamespaceThatNobodyReads() =>
        Assert.Equal(["metadata.namespace: default: must be metallb-system: objects elsewhere are not read"], Errors(_known, Pool("lab", "10.0.0.0/24") with { Namespace = "default" }));

    private static AddressPoolSpec Pool(string name, string addresses) => new() { Name = name, Namespace = "metallb-system", Addresses = [addresses] };

    private static IEnumerable<string> Errors(ConfigurationObjects known, ConfigurationSpec spec) =>
        ConfigurationReview.Check(known, ConfigurationChange.Write(spec)).Errors.Select(error => error.ToString());
}
