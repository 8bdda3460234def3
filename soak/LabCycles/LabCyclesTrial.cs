using System.Diagnostics;
using Portolan.Rig;

namespace Portolan.Soak.LabCycles;

/// <summary>
/// A lab is made, something of it dies at random, it is taken away: the machine is as it was. Of each five cycles one breaks the lab in every other way
/// before (power, cable, freezer, partition, loss) and takes it away twice, and one kills it halfway up.
/// </summary>
/// <param name="portolan">The executable.</param>
/// <param name="report">Gets a line a cycle.</param>
internal sealed class LabCyclesTrial(string portolan, Action<string> report)
{
    private const string Lab = "cycle";
    private static readonly string[] s_hosts = ["router", "control", "client", "remote", "node1", "node2"];

    private readonly Percentiles _ups = new(), _downs = new();

    /// <summary><c>./soak.sh lab-cycles</c>, from the top of the tree.</summary>
    public static async Task<int> RunAsync(int cycles)
    {
        var wrong = await new LabCyclesTrial(Path.GetFullPath("artifacts/bin/portolan"), Console.WriteLine).CycleAsync(cycles, Environment.TickCount & 0xFFFF);
        Console.WriteLine(wrong ?? "the machine was as before after each");
        return wrong is null ? 0 : 1;
    }

    /// <returns>What was wrong, or null.</returns>
    public async Task<string?> CycleAsync(int cycles, int seed)
    {
        await DoAsync("down");
        var before = await MachineState.SnapshotAsync(Lab);
        for (var cycle = 0; cycle < cycles; cycle++)
        {
            var random = new Random(seed + cycle);
            var story = $"cycle {cycle} of seed {seed}: ";
            try
            {
                story += await ((cycle % 5) switch
                {
                    1 => DieBrokenAsync(random),
                    3 => DieHalfwayUpAsync(random),
                    _ => DieWhileUpAsync(random),
                });
                report(story);
                var clock = Stopwatch.StartNew();
                await DoAsync("down");
                _downs.Add(clock.Elapsed);
                if (cycle % 5 == 1)
                    await DoAsync("down");
            }
            catch (InvalidOperationException failed)
            {
                return $"{story}\n{failed.Message}";
            }
            var after = await MachineState.SnapshotAsync(Lab);
            if (after != before)
                return $"{story}\nbefore:\n{before}\nafter:\n{after}";
        }
        report($"{cycles} cycles; up: {_ups}; down: {_downs}");
        return null;
    }

    private async Task<string> DieWhileUpAsync(Random random)
    {
        await UpAsync();
        await Task.Delay(random.Next(500));
        return KillOne(random);
    }

    private async Task<string> DieBrokenAsync(Random random)
    {
        await UpAsync();
        var hosts = (string[])s_hosts.Clone();
        random.Shuffle(hosts);
        await DoAsync("freeze", hosts[0]);
        await DoAsync("cut", hosts[1]);
        await DoAsync("loss", $"{hosts[2]} 30%");
        await DoAsync("partition", $"{hosts[3]} / {hosts[4]}");
        await DoAsync("kill", hosts[5]);
        return $"{hosts[0]} frozen, {hosts[5]} without power; {KillOne(random)}";
    }

    private async Task<string> DieHalfwayUpAsync(Random random)
    {
        using var up = Command.Start($"exec {portolan} lab up --name {Lab} --nodes 2 >/dev/null 2>&1");
        var milliseconds = random.Next(5000);
        await Task.Delay(milliseconds);
        var killed = "killed up itself";
        if (random.Next(2) == 0)
        {
            killed = KillOne(random);
            await Task.Delay(random.Next(1500));
        }
        up.Kill();
        await up.WaitForExitAsync();
        return $"{milliseconds} ms into up, {killed}";
    }

    private async Task UpAsync()
    {
        var clock = Stopwatch.StartNew();
        await DoAsync("up", "--nodes 2");
        _ups.Add(clock.Elapsed);
    }

    private async Task DoAsync(string verb, string arguments = "")
    {
        var (code, output) = await Command.RunAsync($"exec {portolan} lab {verb} --name {Lab} {arguments}");
        if (code != 0)
            throw new InvalidOperationException($"portolan lab {verb} {arguments} ended with {code}:\n{output}");
    }

    private static string KillOne(Random random)
    {
        var all = LabProcess.All(Lab);
        if (all.Count == 0)
            return "nothing to kill yet";
        var victim = all[random.Next(all.Count)];
        victim.Kill();
        return $"killed {victim.CommandLine}";
    }
}
