namespace Portolan.Protocols.Peers;

/// <summary>
/// Tells whether a node's datagrams are of the present: each is taken once, and those of a life of the node only after it answered a random number of
/// ours in that life. Neither side needs a clock, or memory of former lives. Times are microseconds, passed in.
/// </summary>
public sealed class PeerLink
{
    /// <summary>How late a datagram may come, in datagrams of the sender's.</summary>
    public const int Window = 64;

    /// <summary>Microseconds between two challenges.</summary>
    public const long ChallengeInterval = 20_000;

    private ulong _boot;
    private bool _isProven;
    private ulong _highest;
    private ulong _seen;
    private ulong _nonce;
    private bool _isAsking;
    private long _askedAt = long.MinValue / 2;

    /// <summary>Whether the node has answered, in some life.</summary>
    public bool IsProven => _isProven;

    /// <summary>Judges a datagram whose tag is right, and remembers it.</summary>
    /// <returns><see cref="PeerRejection.None"/>, <see cref="PeerRejection.Unproven"/> or <see cref="PeerRejection.Replayed"/>.</returns>
    public PeerRejection Admit(ulong boot, ulong sequence)
    {
        if (!_isProven || boot != _boot)
            return PeerRejection.Unproven;
        if (sequence > _highest)
        {
            var ahead = sequence - _highest;
            _seen = ahead >= Window ? 1 : _seen << (int)ahead | 1;
            _highest = sequence;
            return PeerRejection.None;
        }

        var behind = _highest - sequence;
        if (behind >= Window || (_seen & 1UL << (int)behind) != 0)
            return PeerRejection.Replayed;
        _seen |= 1UL << (int)behind;
        return PeerRejection.None;
    }

    /// <summary>Whether the node should be challenged now, and with what.</summary>
    /// <param name="now">The present, microseconds.</param>
    /// <param name="random">A random number that nobody can foresee; used where no challenge is open.</param>
    /// <param name="nonce">The number to send.</param>
    public bool TryChallenge(long now, ulong random, out ulong nonce)
    {
        nonce = 0;
        if (now - _askedAt < ChallengeInterval)
            return false;
        _askedAt = now;
        if (!_isAsking)
            (_isAsking, _nonce) = (true, random);
        nonce = _nonce;
        return true;
    }

    /// <summary>Takes an answer: with the right number, the life that gave it is the present one.</summary>
    /// <returns>Whether it was the right number.</returns>
    public bool TryProve(ulong nonce, ulong boot, ulong sequence)
    {
        if (!_isAsking || nonce != _nonce)
            return false;
        _isAsking = false;
        (_boot, _isProven, _highest, _seen) = (boot, true, sequence, 1);
        return true;
    }
}
