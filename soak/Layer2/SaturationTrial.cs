using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Portolan.Protocols.Arp;
using Portolan.Rig;

namespace Portolan.Soak.Layer2;

/// <summary>
/// A lab on a machine that has nothing left: cores, memory and collectors are busy with other things, and so are the speakers themselves, because Services change all the
/// time. Nobody dies, so nobody may take over: every word on the wire about an address must come from the node that had it at the beginning.
/// </summary>
internal static partial class SaturationTrial
{
    private const string Lab = "saturated";
    private const int Addresses = 10;
    private const int Writers = 4;
    private static readonly TimeSpan AskEach = TimeSpan.FromMilliseconds(200);

    /// <param name="minutes">How long.</param>
    /// <returns>0 when nobody took over, 2 when somebody did.</returns>
    public static async Task<int> RunAsync(int minutes)
    {
        var wrong = new List<string>();
        await using (var lab = await LabCluster.UpAsync(Lab))
        {
            await lab.ApplyAsync(string.Join("\n---\n", Enumerable.Range(0, Addresses).Select(number => EndpointObjects.Service($"held-{number}", Address(number)))));
            using var tap = new ArpTap(lab.Namespace("client"), "192.168.100.20");
            var holders = await HoldersAsync(lab, tap);
            var before = await LostAsync(lab);
            using (var stop = new CancellationTokenSource())
            using (var burners = new Burners())
            {
                var writing = WriteAsync(lab, stop.Token);
                var (said, asked) = await Task.Factory.StartNew(() => Listen(lab, tap, holders, TimeSpan.FromMinutes(minutes), wrong), TaskCreationOptions.LongRunning);
                await stop.CancelAsync();
                var written = await writing;
                Console.WriteLine($"saturated      {minutes} minutes: {asked} questions, {said} words about {Addresses} addresses, {written} changes of Services");
                if (!burners.AreBurning)
                    wrong.Add("a burner ended before its time: the machine was not saturated");
            }

            Console.WriteLine($"speakers       lost sight of another {await LostAsync(lab) - before} times");
        }

        foreach (var line in wrong.Take(20))
            Console.WriteLine($"WRONG: {line}");
        Console.WriteLine(wrong.Count == 0 ? "layer2-saturation holds" : "layer2-saturation fails");
        return wrong.Count == 0 ? 0 : 2;
    }

    private static string Address(int number) => $"192.168.100.{240 + number}";

    private static async Task<Dictionary<IPv4, string>> HoldersAsync(LabCluster lab, ArpTap tap)
    {
        var holders = new Dictionary<IPv4, string>();
        await LabCluster.UntilAsync(
            () =>
            {
                for (var i = 0; i < Addresses; i++)
                    tap.Ask(ArpTap.Parse(Address(i)));
                while (tap.TryReceive(TimeSpan.FromMilliseconds(50), out var frame))
                    if (IsClaim(frame) && lab.NodeOf(frame.Packet.SenderMac.ToString()) is { } node)
                        holders[frame.Packet.Sender] = node;
                return Task.FromResult(holders.Keys.Count(address => (address.Value & 255) is >= 240 and <= 249) == Addresses);
            },
            "every address is announced");
        await Task.Delay(6000); // the last gratuitous words of the beginning
        return holders;
    }

    private static (long Said, long Asked) Listen(LabCluster lab, ArpTap tap, Dictionary<IPv4, string> holders, TimeSpan time, List<string> wrong)
    {
        var (clock, next, said, asked) = (Stopwatch.StartNew(), TimeSpan.Zero, 0L, 0L);
        while (clock.Elapsed < time)
        {
            if (clock.Elapsed >= next)
            {
                tap.Ask(ArpTap.Parse(Address((int)(asked++ % Addresses))));
                next = clock.Elapsed + AskEach;
            }

            if (!tap.TryReceive(AskEach, out var frame) || !IsClaim(frame) || !holders.TryGetValue(frame.Packet.Sender, out var holder))
                continue;
            said++;
            if (lab.NodeOf(frame.Packet.SenderMac.ToString()) != holder)
                wrong.Add(string.Create(CultureInfo.InvariantCulture, $"after {clock.Elapsed.TotalSeconds:f1} s {lab.NodeOf(frame.Packet.SenderMac.ToString())} claimed {frame.Packet.Sender} of {holder}"));
        }

        if (said < asked / 2)
            wrong.Add($"only {said} words after {asked} questions: who held the addresses said too little");
        return (said, asked);
    }

    // A station that asks for another's address says who it is itself: that is a claim of its own address, not of the other.
    private static bool IsClaim(in ArpFrame frame) => !frame.Packet.Sender.IsAny;

    private static async Task<long> WriteAsync(LabCluster lab, CancellationToken stop)
    {
        using var api = ApiConnection.Of(lab.Kubeconfig);
        var written = 0L;
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
        {
            for (var i = writer; !stop.IsCancellationRequested; i++)
            {
                var change = $$"""{"metadata":{"annotations":{"changed":"{{i}}"} } }""";
                await api.SendAsync(HttpMethod.Patch, $"/api/v1/namespaces/default/services/held-{i % Addresses}", change, "application/merge-patch+json");
                Interlocked.Increment(ref written);
            }
        }));
        return written;
    }

    /// <summary>How often a speaker has said that another is gone.</summary>
    private static async Task<int> LostAsync(LabCluster lab) => Lost().Count(await lab.KubectlAsync("logs -n metallb-system -l component=speaker --tail=-1 --all-containers"));

    [GeneratedRegex("speaker at .*: Up → ")]
    private static partial Regex Lost();
}
