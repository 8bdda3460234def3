using Portolan.Protocols.Peers;

namespace Portolan.Protocols.Tests.Peers;

internal static class Messages
{
    /// <summary>Reads everything an item can be.</summary>
    public static void Read(PeerItem item)
    {
        if (!item.IsRecord)
        {
            var isKnown = PeerChallenge.TryParse(item.Body, out _) | PeerAnswer.TryParse(item.Body, out _) | PeerDigest.TryParse(item.Body, out _);
            Assert.True(!isKnown || item.Body.Length is PeerChallenge.Size or PeerAnswer.Size or PeerDigest.Size);
            return;
        }

        if (!PeerRecord.TryParse(item.Body, out var record))
            return;
        var seen = 0;
        if (VerdictsMessage.TryParse(record.Payload, out var verdicts))
            foreach (var verdict in verdicts)
                seen += verdict.Sight;
        if (DisappearancesMessage.TryParse(record.Payload, out var disappearances))
            foreach (var disappearance in disappearances)
                seen += disappearance.Count;
        if (ReportMessage.TryParse(record.Payload, out var report))
            foreach (var entry in report)
                seen += entry.Value.Length;
        if (AskersMessage.TryParse(record.Payload, out var askers))
            foreach (var asker in askers)
                seen += asker.AskerOfIPv4 is null ^ asker.AskerOfIPv6 is null ? 1 : int.MinValue;
        Assert.InRange(seen, 0, int.MaxValue);
    }
}
