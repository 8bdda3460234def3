using Microsoft.Extensions.Logging;
using Portolan.Linux.Links;
using Portolan.Proxy.Ipvs;

namespace Portolan.Speaker.Layer2;

/// <summary>
/// Sees whether this node's kernel answers ARP for addresses that other nodes announce, as it does under IPVS without strict ARP, and says so: in the log and in an
/// event of the Node. Nobody tells of the settings, so it looks now and then, and gives a proxy that starts beside it time to make them.
/// </summary>
/// <param name="links">The node's links; null while nothing is announced here on layer 2.</param>
/// <param name="record">An event about the Node: whether a warning, its reason, its words.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Told of what is found, once.</param>
internal sealed class ArpWatch(Func<LinkSnapshot?> links, Action<bool, string, string> record, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    /// <summary>Looks until cancelled.</summary>
    internal async Task RunAsync(CancellationToken stop)
    {
        var before = "";
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stop))
        {
            if (links() is not { } now)
                continue;
            var loose = string.Join(", ", StrictArp.LooseInterfaces(now));
            if (loose.Length > 0 && loose != before)
            {
                var message = $"answers ARP for every Service's address on {loose}: {ServiceLink.Name} has them all, and ARP is not strict; {StrictArp.Remedy}";
                log.LogWarning("{Event}: this node {Message}", "arpNotStrict", message);
                record(true, "arpNotStrict", message);
            }
            else if (loose.Length == 0 && before.Length > 0)
            {
                log.LogInformation("{Event}: ARP is strict now", "arpStrict");
            }

            before = loose;
        }
    }
}
