using System.Text.RegularExpressions;

namespace Portolan.EndToEnd.Tests;

/// <summary>What a user types and reads, with every kubectl of the machine.</summary>
[Collection(LabCollection.Name)]
public sealed class KubectlTests(LabFixture fixture)
{
    private readonly Lab _lab = fixture.Lab;

    [Theory]
    [MemberData(nameof(Kubectls.Rows), MemberType = typeof(Kubectls))]
    public void PrintsWhatARealClusterPrints(string kubectl)
    {
        Assert.Matches(@"(?m)^kubernetes +ClusterIP +10\.233\.0\.1 +<none> +443/TCP +\S+\n", _lab.Kubectl("get svc", kubectl).Succeeds().Output);
        Assert.Matches(@"(?m)^myweb-svc-lb +LoadBalancer +10\.233\.[0-9.]+ +192\.168\.100\.240 +80:31313/TCP +\S+$", _lab.Kubectl("get svc", kubectl).Output);
        Assert.Equal(3, Regex.Count(_lab.Kubectl("get po -n metallb-system -o wide", kubectl).Succeeds().Output, @"(?m)^speaker-[a-z0-9]{5} +2/2 +Running .* 192\.168\.100\.10[012] +node[123] +<none> +<none>$"));
        Assert.Matches(@"(?m)^speaker +3 +3 +3 +3 +3 +kubernetes\.io/os=linux +\S+$", _lab.Kubectl("get ds -n metallb-system", kubectl).Succeeds().Output);
        Assert.Matches(@"(?m)^metallb-system +Active +\S+$", _lab.Kubectl("get ns", kubectl).Succeeds().Output);
        Assert.Contains("IPAllocated", _lab.Kubectl("describe svc myweb-svc-lb", kubectl).Succeeds().Output);
    }

    [Theory]
    [MemberData(nameof(Kubectls.Rows), MemberType = typeof(Kubectls))]
    public void RunsExecsAndShowsLogs(string kubectl)
    {
        const string Pod = "tool";
        try
        {
            _lab.Kubectl($"run {Pod} --image ghcr.io/c1t1d0s7/network-multitool --restart=Never -- sh -c 'echo started; sleep 300'", kubectl).Succeeds();
            _lab.Kubectl($"wait --for=condition=Ready pod/{Pod} --timeout=20s", kubectl).Succeeds();
            Assert.Equal("started\n", _lab.Kubectl($"logs {Pod}", kubectl).Succeeds().Output);
            Assert.StartsWith("Hello World!\nmyweb-rs-", _lab.Kubectl($"exec {Pod} -- curl -s -m 3 myweb-svc-lb", kubectl).Succeeds().Output);
            Assert.Equal("through\n", _lab.Kubectl($"exec -i {Pod} -- cat <<<through", kubectl).Succeeds().Output);
            Assert.Equal(7, _lab.Kubectl($"exec {Pod} -- sh -c 'exit 7'", kubectl).ExitCode);
        }
        finally
        {
            _lab.Kubectl($"delete pod {Pod} --now", kubectl);
        }
    }

    [Theory]
    [MemberData(nameof(Kubectls.Rows), MemberType = typeof(Kubectls))]
    public async Task GivesAPodATerminal(string kubectl)
    {
        var script = $$"""
            set timeout 30
            proc wait_for {pattern code} {
              expect {
                -re $pattern {}
                timeout { exit $code }
                eof { exit $code }
              }
            }
            spawn -noecho {{kubectl}} run term -it --image ghcr.io/c1t1d0s7/network-multitool --rm
            wait_for "/ # $" 3
            send "test -t 0 && echo a-\$((1+1))-terminal\r"
            wait_for "\na-2-terminal" 4
            send "exit\r"
            expect eof
            catch wait result
            exit [lindex $result 3]
            """;
        var outcome = Shell.Run($"expect <<'SCRIPT'\n{script}\nSCRIPT", _lab.Variables).Succeeds();
        Assert.Contains("If you don't see a command prompt, try pressing enter.", outcome.Output);
        Assert.Contains("pod \"term\" deleted", outcome.Output);
        await Shell.EventuallyAsync(async () => await _lab.KubectlAsync("get po term"), found => found.ExitCode != 0, 10, "the pod gone");
    }
}
