namespace Portolan.Core.Announcements;

/// <summary>What is to be done about somebody else's claim.</summary>
public enum ConflictAnswer
{
    /// <summary>Nothing on the wire: a defence was sent a moment ago.</summary>
    Bear,

    /// <summary>Announce the address once.</summary>
    Defend,

    /// <summary>Announce it no more.</summary>
    Yield,
}

/// <summary>
/// What this node does about others' claims to one address that it announces: RFC 5227 §2.4 with its choices (b), for
/// <see cref="ConflictPolicy.Yield"/>, and (c). Times are microseconds.
/// </summary>
public struct AddressDefence
{
    /// <summary>DEFEND_INTERVAL: an address is defended once in so long.</summary>
    public const long DefendInterval = 10_000_000;

    /// <summary>A conflict is over when nobody has claimed the address for so long.</summary>
    public const long Quiet = 60_000_000;

    private long? _defendedAt;

    /// <summary>When the latest claim came, or null when there is no conflict.</summary>
    public long? ClaimedAt { get; private set; }

    /// <summary>Somebody claims the address.</summary>
    /// <param name="policy">What is wished.</param>
    /// <param name="isProbed">Whether it came in answer to the probes at the first assignment.</param>
    /// <param name="now">The present.</param>
    public ConflictAnswer Claimed(ConflictPolicy policy, bool isProbed, long now)
    {
        ClaimedAt = now;
        if (policy is ConflictPolicy.Refuse && isProbed)
            return ConflictAnswer.Yield;
        if (now - _defendedAt >= DefendInterval || _defendedAt is null)
        {
            _defendedAt = now;
            return ConflictAnswer.Defend;
        }

        return policy is ConflictPolicy.Yield ? ConflictAnswer.Yield : ConflictAnswer.Bear;
    }

    /// <summary>Whether there was a conflict that is over now.</summary>
    public bool Settles(long now)
    {
        if (ClaimedAt is null || now - ClaimedAt < Quiet)
            return false;
        (ClaimedAt, _defendedAt) = (null, null);
        return true;
    }
}
