using System.Diagnostics;
using Portolan.Rig;

namespace Portolan.Bench.LabCost;

/// <summary>How long <c>lab up</c> takes until three nodes, DNS, proxy and Portolan are Ready: the median of five.</summary>
internal static class LabUpBenchmark
{
    private const string Lab = "benchup";
    private const int Rounds = 5;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var times = new Percentiles();
        try
        {
            for (var round = 0; round < Rounds; round++)
            {
                await LabCommand.RunAsync("down", Lab);
                var clock = Stopwatch.StartNew();
                await LabCommand.RunAsync("up", Lab);
                times.Add(clock.Elapsed);
            }
            return [new("lab-up, three nodes, median of five", times.At(0.5) / 1000, "s", 8)];
        }
        finally
        {
            await LabCommand.RunAsync("down", Lab);
        }
    }
}
