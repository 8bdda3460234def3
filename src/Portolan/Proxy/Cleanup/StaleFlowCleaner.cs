using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Linux.Conntrack;
using Portolan.Linux.Netlink;

namespace Portolan.Proxy.Cleanup;

/// <summary>One look through the tracked flows of a family, as kube-proxy's <c>conntrack_reconciler</c> metrics count it.</summary>
/// <param name="Family">The family.</param>
/// <param name="Duration">How long it took.</param>
/// <param name="Ended">The flows that were deleted.</param>
internal readonly record struct FlowSearch(IpFamily Family, TimeSpan Duration, int Ended);

/// <summary>Ends stale flows, in the network namespace of the thread that made it.</summary>
internal sealed class StaleFlowCleaner(TimeProvider time, ILogger log) : IDisposable
{
    private readonly ConntrackConnection _conntrack = ConntrackConnection.Open();

    /// <summary>Hears of each search, on the thread that searched.</summary>
    internal event Action<FlowSearch>? Searched;

    /// <summary>
    /// Deletes what is stale. To be called after the new rules are in force, or a packet in between would start the same stale flow again.
    /// What fails leaves flows to time out by themselves; the rules are right in any case.
    /// </summary>
    internal void End(StaleFlows stale)
    {
        foreach (var (family, filter) in stale.Searches())
        {
            var started = time.GetTimestamp();
            var ended = 0;
            try
            {
                ended = _conntrack.DeleteWhere(family is IpFamily.IPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, filter, stale.Includes);
                if (ended > 0)
                    log.LogInformation("ended {Flows} flows whose endpoints are gone", ended);
            }
            catch (NetlinkException failure)
            {
                log.LogWarning("stale flows are left to time out: {Failure}", failure.Message);
            }

            Searched?.Invoke(new FlowSearch(family, time.GetElapsedTime(started), ended));
        }
    }

    public void Dispose() => _conntrack.Dispose();
}
