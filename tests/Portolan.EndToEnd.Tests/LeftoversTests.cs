using Portolan.Soak.LabCycles;

namespace Portolan.EndToEnd.Tests;

/// <summary>A lab leaves the machine as it found it, however it ended.</summary>
[Collection(LabCollection.Name)]
public sealed class LeftoversTests
{
    private readonly Lab _lab = new("gone");

    [Fact]
    public async Task UpTwiceSaysWhatIsThereAndDownLeavesNothing()
    {
        var before = await MachineState.SnapshotAsync(_lab.Name);
        try
        {
            _lab.Up("--nodes 2 --without-portolan");
            var again = _lab.Portolan($"lab up --name {_lab.Name}").Succeeds();
            Assert.Contains("already", again.All);
            Assert.Contains("node2", again.All);
        }
        finally
        {
            _lab.Down().Succeeds();
        }

        Assert.Equal(before, await MachineState.SnapshotAsync(_lab.Name));
        _lab.Down().Succeeds();
    }

    [Theory]
    [InlineData("portolan-lab supervise")]
    [InlineData("portolan-lab node")]
    [InlineData("portolan-lab apiserver")]
    public async Task DownCleansUpAfterTheDeathOf(string command)
    {
        var before = await MachineState.SnapshotAsync(_lab.Name);
        try
        {
            _lab.Up("--nodes 1 --without-portolan");
            foreach (var pid in Processes.Of(_lab.Name, command) is { Count: > 0 } pids ? pids : throw new InvalidOperationException($"nothing runs {command}"))
                Processes.KillHard(pid);
        }
        finally
        {
            _lab.Down().Succeeds();
        }

        Assert.Equal(before, await MachineState.SnapshotAsync(_lab.Name));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(400)]
    [InlineData(1000)]
    [InlineData(2500)]
    public async Task DownCleansUpAfterUpWasKilledHalfway(int milliseconds)
    {
        var before = await MachineState.SnapshotAsync(_lab.Name);
        using (var up = Shell.Start($"exec portolan lab up --name {_lab.Name} --nodes 1 --without-portolan", new Dictionary<string, string>(_lab.Variables)))
        {
            await Task.Delay(milliseconds, TestContext.Current.CancellationToken);
            up.Kill();
            await up.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        _lab.Down().Succeeds();
        Assert.Equal(before, await MachineState.SnapshotAsync(_lab.Name));
    }
}
