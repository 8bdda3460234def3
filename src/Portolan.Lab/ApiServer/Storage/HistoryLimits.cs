namespace Portolan.Lab.ApiServer.Storage;

/// <summary>
/// How far back watches can resume and lists can look: the oldest events are compacted away as soon as one of the limits is passed.
/// Events older than <paramref name="Age"/> go with the next write; an idle server keeps what it has.
/// </summary>
/// <param name="Age">As etcd is told to compact by a real server: after 5 to 10 minutes.</param>
/// <param name="Events">How many events of all resources together, at least 1.</param>
/// <param name="Bytes">How much memory earlier states may take, beside the present ones.</param>
internal sealed record HistoryLimits(TimeSpan Age, int Events, long Bytes)
{
    public static readonly HistoryLimits Default = new(TimeSpan.FromMinutes(10), 100_000, 32 << 20);
}
