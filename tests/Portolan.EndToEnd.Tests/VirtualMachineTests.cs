using System.Text.RegularExpressions;

namespace Portolan.EndToEnd.Tests;

/// <summary>What the kernel of a test machine may lack, under a kernel that has it: Debian's, in a virtual machine (<c>eng/vm.sh</c>).</summary>
[Collection(LabCollection.Name)]
public sealed class VirtualMachineTests
{
    /// <summary>The exit code that says there is no such machine here.</summary>
    internal const int Unavailable = 75;

    private const int Least = 89; // a class that is not found would not be missed otherwise

    /// <summary>VLANs and bonds under the announcer, VRFs under BGP, virtual servers of IPVS: the tests that a kernel without them skips.</summary>
    [Fact]
    public async Task NoTestIsSkippedForWantOfAKernel()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("PORTOLAN_TEST_LONG") == "1", "a virtual machine takes its time: ./test.sh --long");
        string[] classes = ["VirtualLinkTests", "VrfTests", "IpvsLeftoversTests", "IpvsConnectionTests", "IpvsTableTests", "IpvsPolicyMatrixIPv4Tests", "IpvsPolicyMatrixIPv6Tests", "ModeSwitchTests"];
        var run = await Shell.RunAsync(
            $"PORTOLAN_VM_SECONDS=1200 eng/vm.sh dotnet tests/Portolan.Tests/bin/Debug/net10.0/Portolan.Tests.dll --progress off --no-ansi {string.Join(' ', classes.Select(name => $"--filter-class '*.{name}'"))}", seconds: 1260);
        Assert.SkipWhen(run.ExitCode == Unavailable, run.Error.Trim());
        run.Succeeds();
        Assert.Matches(new Regex("skipped: 0$", RegexOptions.Multiline), run.Output);
        Assert.True(int.Parse(Regex.Match(run.Output, @"succeeded: (\d+)$", RegexOptions.Multiline).Groups[1].ValueSpan) >= Least, run.Output);
    }
}
