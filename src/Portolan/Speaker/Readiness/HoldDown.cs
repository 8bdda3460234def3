using Portolan.Core.Announcements;

namespace Portolan.Speaker.Readiness;

/// <summary>
/// How long this node is held back after it came, or came back, by the AnnouncementPolicies that want it so. Pure: time is passed in, as microseconds.
/// </summary>
internal sealed class HoldDown
{
    private IReadOnlyList<AnnouncementPolicy> _policies = [];
    private long? _cameAt;
    private int _disappearances;

    /// <summary>The policies in force.</summary>
    public void SetPolicies(IReadOnlyList<AnnouncementPolicy> policies) => _policies = policies;

    /// <summary>This speaker began to announce, or hears others again after it heard nobody.</summary>
    public void Came(long now) => _cameAt = now;

    /// <summary>This speaker does not announce, or is cut off: it is held back from whenever it comes.</summary>
    public void Left() => _cameAt = null;

    /// <summary>Other speakers saw this node go so often within the last hour, as the one that counted most of them says.</summary>
    public void SetDisappearances(int count) => _disappearances = Math.Max(0, count);

    /// <summary>The policies, by name, whose time has not passed.</summary>
    public HashSet<string> HeldBack(long now) =>
        [.. _policies.Where(policy => policy.HoldDown > TimeSpan.Zero && (_cameAt is null || now < EndOf(policy))).Select(policy => policy.Name)];

    /// <summary>When <see cref="HeldBack"/> is another by time alone, or null.</summary>
    public long? Deadline(long now)
    {
        long? next = null;
        foreach (var policy in _policies)
        {
            if (_cameAt is not null && policy.HoldDown > TimeSpan.Zero && EndOf(policy) is var end && end > now && !(end >= next))
                next = end;
        }

        return next;
    }

    /// <summary>How long: the policy's time, doubled with each disappearance after the first, up to its longest.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="disappearances">How often the node went within the hour; the present coming is after the last of them.</param>
    internal static TimeSpan DurationOf(AnnouncementPolicy policy, int disappearances)
    {
        // An upper limit below the time itself would shorten it: whoever asked for the time gets it.
        var longest = policy.MaxHoldDown > policy.HoldDown ? policy.MaxHoldDown : policy.HoldDown;
        var duration = policy.HoldDown;
        for (var i = 1; i < disappearances && duration < longest; i++)
            duration = duration > longest / 2 ? longest : duration * 2;
        return duration;
    }

    private long EndOf(AnnouncementPolicy policy) => _cameAt!.Value + (long)DurationOf(policy, _disappearances).TotalMicroseconds;
}
