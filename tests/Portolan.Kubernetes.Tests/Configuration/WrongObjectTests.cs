using Portolan.Core.Configuration;

namespace Portolan.Kubernetes.Tests.Configuration;

/// <summary>
/// Objects that are wrong in one way each, beside right ones of every kind. The review before they are stored says what is wrong, so does the
/// load of a configuration that has them, in the same words, and the right ones are in force all the same.
/// </summary>
public sealed class WrongObjectTests
{
    [Theory]
    [Contract("§1.1 addresses")]
    [Contract("§1.1 overlap")]
    [Contract("§1.1 serviceAllocation.priority")]
    [MemberData(nameof(WrongObjects.IPAddressPools), MemberType = typeof(WrongObjects))]
    public void AWrongIPAddressPoolIsReported(string spec, string expected) => IsReported("IPAddressPool", spec, expected);

    [Theory]
    [Contract("§1.2 duplicates")]
    [Contract("§1.2 pools")]
    [Contract("§1.2 preferredNodeSelectors")]
    [MemberData(nameof(WrongObjects.L2Advertisements), MemberType = typeof(WrongObjects))]
    public void AWrongL2AdvertisementIsReported(string spec, string expected) => IsReported("L2Advertisement", spec, expected);

    [Theory]
    [Contract("§1.3 aggregationLength")]
    [Contract("§1.3 localPref")]
    [Contract("§1.3 communities")]
    [Contract("§1.3 pools and peers")]
    [Contract("§1.3 serviceSelectors")]
    [Contract("§1.3 equal advertisements")]
    [Contract("§1.3 localPref conflict")]
    [Contract("§1.3 echo with IPv6")]
    [MemberData(nameof(WrongObjects.BGPAdvertisements), MemberType = typeof(WrongObjects))]
    public void AWrongBGPAdvertisementIsReported(string spec, string expected) => IsReported("BGPAdvertisement", spec, expected);

    [Fact]
    [Contract("§1.3 communities")]
    public void MoreCommunitiesThanCanBeSentAreReported() => IsReported(
        "BGPAdvertisement",
        $"{{ipAddressPools: [lab], localPref: 100, communities: [big, {string.Join(", ", Enumerable.Range(1, 63).Select(i => $"'64512:{i}'"))}]}}",
        "spec.communities: 64 communities: at most 63 can be sent");

    [Theory]
    [Contract("§1.4 myASN")]
    [Contract("§1.4 peerASN or dynamicASN")]
    [Contract("§1.4 localASN")]
    [Contract("§1.4 peerAddress or interface")]
    [Contract("§1.4 sourceAddress")]
    [Contract("§1.4 peerPort")]
    [Contract("§1.4 holdTime and keepaliveTime")]
    [Contract("§1.4 connectTime")]
    [Contract("§1.4 routerID")]
    [Contract("§1.4 nodeSelectors")]
    [Contract("§1.4 bfdProfile")]
    [Contract("§1.4 ebgpMultiHop")]
    [Contract("§1.4 vrf")]
    [Contract("§1.4 duplicate peers")]
    [MemberData(nameof(WrongObjects.BGPPeers), MemberType = typeof(WrongObjects))]
    public void AWrongBGPPeerIsReported(string spec, string expected) => IsReported("BGPPeer", spec, expected);

    [Theory]
    [Contract("§1.4 password or passwordSecret")]
    [InlineData("password: a, passwordSecret: {name: tor}", "spec.passwordSecret: tor: password and passwordSecret cannot both be set")]
    [InlineData("password: \"a\\nb\"", "spec.password: must not contain a line break")]
    [InlineData("passwordSecret: {name: gone}", "spec.passwordSecret.name: gone: there is no such Secret in metallb-system")]
    [InlineData("passwordSecret: {name: opaque}", "spec.passwordSecret.name: opaque: the Secret must be of type kubernetes.io/basic-auth, and is of type Opaque")]
    [InlineData("passwordSecret: {name: keyless}", "spec.passwordSecret.name: keyless: the Secret has no key password")]
    public void AWrongPasswordIsReported(string fields, string expected)
    {
        var known = Written.Neighbours();
        known = known with
        {
            Secrets = known.Secrets.Add("gone", null).Add("opaque", new SecretFacts("Opaque", true)).Add("keyless", new SecretFacts("kubernetes.io/basic-auth", false)).Add("tor", new SecretFacts("kubernetes.io/basic-auth", true)),
        };
        IsReported("BGPPeer", $"{{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, {fields}}}", expected, known);
        Assert.Empty(Problems(known.With(Written.Object("BGPPeer", "right", "{myASN: 64512, peerASN: 1, peerAddress: 10.0.0.9, passwordSecret: {name: tor}}"))));
    }

    [Theory]
    [Contract("§1.5 ranges")]
    [MemberData(nameof(WrongObjects.BFDProfiles), MemberType = typeof(WrongObjects))]
    public void AWrongBFDProfileIsReported(string spec, string expected) => IsReported("BFDProfile", spec, expected);

    [Theory]
    [Contract("§1.6 values")]
    [Contract("§1.6 names")]
    [MemberData(nameof(WrongObjects.Communities), MemberType = typeof(WrongObjects))]
    public void AWrongCommunityIsReported(string spec, string expected) => IsReported("Community", spec, expected);

    [Theory]
    [MemberData(nameof(WrongObjects.AnnouncementPolicies), MemberType = typeof(WrongObjects))]
    public void AWrongAnnouncementPolicyIsReported(string spec, string expected) => IsReported("AnnouncementPolicy", spec, expected);

    [Theory]
    [MemberData(nameof(WrongObjects.BGPPolicies), MemberType = typeof(WrongObjects))]
    public void AWrongBGPPolicyIsReported(string spec, string expected) => IsReported("BGPPolicy", spec, expected);

    [Fact]
    [Contract("§1 stale configuration")]
    public void AllOfThemAtOnceAreReported_AndTheRightOnesAreInForceAllTheSame()
    {
        var known = Written.Neighbours();
        var right = ConfigurationSet.Empty.Update(known);
        var all = WrongObjects.All.Select((wrong, i) => Written.Object(wrong.Kind, $"wrong-{i}", wrong.Spec)).ToList();
        Assert.InRange(all.Count, 60, int.MaxValue);
        foreach (var spec in all)
            known = known.With(spec);
        foreach (var loaded in new[] { right.Update(known), ConfigurationSet.Empty.Update(known) })
        {
            Assert.Empty(all.Select(spec => (spec.Kind, spec.Name)).Except(loaded.Problems.Select(problem => (problem.Kind, problem.Name))));
            Assert.DoesNotContain(loaded.Problems, problem => !problem.Name.StartsWith("wrong-", StringComparison.Ordinal));
            AreInForce(right, loaded);
        }
    }

    private static void IsReported(string kind, string spec, string expected, ConfigurationObjects? beside = null)
    {
        var known = beside ?? Written.Neighbours();
        var right = ConfigurationSet.Empty.Update(known);
        Assert.Empty(right.Problems);

        var wrong = Written.Object(kind, "wrong", spec);
        var (errors, warnings) = ConfigurationReview.Check(known, ConfigurationChange.Write(wrong));
        Assert.Equal(expected, string.Join("; ", [.. errors.Select(error => error.ToString()), .. warnings]));

        // Now, and to a controller that finds it when it starts.
        foreach (var loaded in new[] { right.Update(known.With(wrong)), ConfigurationSet.Empty.Update(known.With(wrong)) })
        {
            Assert.Equal(string.Join("; ", expected.Split("; spec").Select((error, i) => $"{kind} wrong: {(i == 0 ? "" : "spec")}{error}")), string.Join("; ", loaded.Problems));
            AreInForce(right, loaded);
        }
    }

    private static void AreInForce(ConfigurationSet right, ConfigurationSet loaded)
    {
        Assert.Equal(right.Pools.Pools.Select(pool => $"{pool}"), loaded.Pools.Pools.Select(pool => $"{pool}"));
        foreach (var (name, peer) in right.BgpPeers)
            Assert.Equal(peer, loaded.BgpPeers[name]);
        foreach (var (name, profile) in right.BfdProfiles)
            Assert.Equal(profile, loaded.BfdProfiles[name]);
        Assert.Equal(right.Communities["well-known"], loaded.Communities["well-known"] with { Values = right.Communities["well-known"].Values });
        Assert.Equal(right.AnnouncementPolicies["bounded"].Placement, loaded.AnnouncementPolicies["bounded"].Placement);
        Assert.Equal(right.BgpPolicies["base"].Med, loaded.BgpPolicies["base"].Med);
        Assert.Empty(right.Layer2Advertisements.Keys.Except(loaded.Layer2Advertisements.Keys));
        Assert.Equal($"{right.BgpAdvertisements["bgp"]}", $"{loaded.BgpAdvertisements["bgp"]}");
    }

    private static IEnumerable<string> Problems(ConfigurationObjects known) => ConfigurationSet.Empty.Update(known).Problems.Select(problem => problem.ToString());
}
