using System.Text.RegularExpressions;

namespace Portolan.EndToEnd.Tests;

/// <summary>What the kernel of a test machine may lack, under a kernel that has it: Debian's, in a virtual machine (<c>eng/vm.sh</c>).</summary>
[Collection(LabCollection.Name)]
public sealed class VirtualMachineTests
{
    /// <summary>The exit code that says there is no such machine here.</summary>
    internal const int Unavailable = 75;

    /// <summary>VLANs and bonds under the announcer, VRFs under BGP, and the virtual servers that kube-proxy left: the tests that a kernel without them skips.</summary>
    [Fact]
    public async Task NoTestIsSkippedForWantOfAKernel()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("PORTOLAN_TEST_LONG") == "1", "a virtual machine takes its time: ./test.sh --long");
        var run = await Shell.RunAsync(
            "eng/vm.sh dotnet tests/Portolan.Tests/bin/Debug/net10.0/Portolan.Tests.dll --progress off --no-ansi --filter-class '*.VirtualLinkTests' --filter-class '*.IpvsLeftoversTests' --filter-class '*.VrfTests'", seconds: 420);
        Assert.SkipWhen(run.ExitCode == Unavailable, run.Error.Trim());
        run.Succeeds();
        Assert.Matches(new Regex("succeeded: 4$", RegexOptions.Multiline), run.Output);
    }
}
