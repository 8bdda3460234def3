using Portolan.Protocols.Peers;

namespace Portolan.Protocols.Tests.Peers;

public sealed class PeerLinkTests
{
    private const ulong Boot = 77;
    private readonly PeerLink _link = new();

    [Fact]
    public void AdmitsNothing_BeforeItsChallengeIsAnswered()
    {
        Assert.Equal(PeerRejection.Unproven, _link.Admit(Boot, 10));
        Assert.True(_link.TryChallenge(0, 123, out var nonce));
        Assert.Equal(123UL, nonce);
        Assert.False(_link.TryProve(122, Boot, 11));
        Assert.Equal(PeerRejection.Unproven, _link.Admit(Boot, 12));
        Assert.True(_link.TryProve(123, Boot, 13));
        Assert.Equal(PeerRejection.None, _link.Admit(Boot, 14));
        Assert.False(_link.TryProve(123, 78, 15)); // once
    }

    [Fact]
    public void AdmitsEachDatagramOnce_InWhateverOrder()
    {
        Prove(Boot, 100);
        Assert.Equal(PeerRejection.Replayed, _link.Admit(Boot, 100));
        Assert.Equal(PeerRejection.None, _link.Admit(Boot, 103));
        Assert.Equal(PeerRejection.None, _link.Admit(Boot, 101));
        Assert.Equal(PeerRejection.Replayed, _link.Admit(Boot, 101));
        Assert.Equal(PeerRejection.Replayed, _link.Admit(Boot, 103));
        Assert.Equal(PeerRejection.None, _link.Admit(Boot, 103 + PeerLink.Window - 1));
        Assert.Equal(PeerRejection.None, _link.Admit(Boot, 104));
        Assert.Equal(PeerRejection.Replayed, _link.Admit(Boot, 103));
        Assert.Equal(PeerRejection.None, _link.Admit(Boot, 10_000));
        Assert.Equal(PeerRejection.Replayed, _link.Admit(Boot, 104));
        Assert.Equal(PeerRejection.None, _link.Admit(Boot, 9_999));
    }

    [Fact]
    public void AdmitsARestartedNodeWithLowerNumbers_OnceItAnswered()
    {
        Prove(Boot, 1_000_000);
        Assert.Equal(PeerRejection.Unproven, _link.Admit(5, 1));
        Assert.Equal(PeerRejection.None, _link.Admit(Boot, 1_000_001)); // a recording of another life changes nothing
        Prove(5, 2);
        Assert.Equal(PeerRejection.None, _link.Admit(5, 3));
        Assert.Equal(PeerRejection.Unproven, _link.Admit(Boot, 1_000_002));
    }

    [Fact]
    public void AsksNowAndThen_AndAlwaysTheSame_UntilItIsAnswered()
    {
        Assert.True(_link.TryChallenge(0, 1, out _));
        Assert.False(_link.TryChallenge(PeerLink.ChallengeInterval - 1, 2, out _));
        Assert.True(_link.TryChallenge(PeerLink.ChallengeInterval, 3, out var nonce));
        Assert.Equal(1UL, nonce);
        Assert.True(_link.TryProve(1, Boot, 1));
        Assert.True(_link.TryChallenge(2 * PeerLink.ChallengeInterval, 4, out nonce));
        Assert.Equal(4UL, nonce);
    }

    private long _now = 1_000_000;

    private void Prove(ulong boot, ulong sequence)
    {
        Assert.True(_link.TryChallenge(_now += PeerLink.ChallengeInterval, (ulong)_now, out var nonce));
        Assert.True(_link.TryProve(nonce, boot, sequence));
    }
}
