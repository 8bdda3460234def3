using Portolan.Rig;

namespace Portolan.Bench.LabCost;

internal static class LabCommand
{
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static async Task RunAsync(string verb, string lab)
    {
        var (code, output) = await Command.RunAsync($"exec artifacts/bin/portolan lab {verb} --name {lab}");
        if (code != 0)
            throw new InvalidOperationException($"portolan lab {verb} ended with {code}:\n{output}");
    }
}
