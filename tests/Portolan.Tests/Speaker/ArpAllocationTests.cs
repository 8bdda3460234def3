using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Protocols.Arp;

namespace Portolan.Tests.Speaker;

/// <summary>Alone, because it looks at what the whole process allocates.</summary>
[CollectionDefinition(nameof(ArpAllocationTests), DisableParallelization = true)]
[Collection(nameof(ArpAllocationTests))]
public sealed class ArpAllocationTests
{
    [Fact]
    public void AnswersAllocateNothing()
    {
        const int Rounds = 1000;
        using var lan = new Lan();
        lan.Announcer.Set(new ObjectKey("default", "web"), [IpAddress.V4(0xc0a864f0)], [], 0);
        for (var i = 0; i < 300; i++)
            AskAndHear();
        var (process, ours) = (GC.GetTotalAllocatedBytes(precise: true), GC.GetAllocatedBytesForCurrentThread());
        for (var i = 0; i < Rounds; i++)
            AskAndHear();
        var others = GC.GetTotalAllocatedBytes(precise: true) - process - (GC.GetAllocatedBytesForCurrentThread() - ours);

        // The test host allocates a little meanwhile; one object per answer would be 24,000 bytes at least.
        Assert.InRange(others, 0, 23 * Rounds);

        void AskAndHear()
        {
            lan.Client.Ask(new IPv4(0xc0a864f0));
            lan.Client.NextAnswer();
        }
    }
}
