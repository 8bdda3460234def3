using System.Globalization;
using System.Text.Json.Nodes;

namespace Portolan.EndToEnd.Tests;

/// <summary>What the running roles may do, read from the kernel; docs/security.md has the same table.</summary>
[Collection(LabCollection.Name)]
public sealed class LeastPrivilegeTests(LabFixture fixture)
{
    private const string Begin = "<!-- privileges: written by the tests -->";
    private const string End = "<!-- end of privileges -->";

    private static readonly (string Role, string Namespace, string Workload)[] _roles =
        [("controller", "metallb-system", "deploy/controller"), ("speaker", "metallb-system", "ds/speaker"), ("bfd", "metallb-system", "ds/speaker -c bfd"), ("proxy", "kube-system", "ds/portolan-proxy")];

    private readonly Lab _lab = fixture.Lab;

    [Fact]
    public async Task EachRoleRunsWithWhatTheDocumentationSays()
    {
        await fixture.SpeakersReadyAsync();
        var rows = new List<string> { "| role | user | capabilities, and the most it could ever get | `no_new_privs` | root file system | network | seccomp |", "|---|---|---|---|---|---|---|" };
        foreach (var (role, ns, workload) in _roles)
        {
            var status = Status(ns, workload);
            Assert.StartsWith($"portolan\0{role}\0", _lab.Kubectl($"exec -n {ns} {workload} -- cat /proc/1/cmdline").Succeeds().Output);
            var users = status["Uid"].Split('\t').Distinct();
            var pod = JsonNode.Parse(_lab.Kubectl($"get -n {ns} {workload.Split(' ')[0]} -o json").Succeeds().Output)!["spec"]!["template"]!["spec"]!;
            rows.Add($"| {role} | {string.Join(',', users)} | {Named(status["CapEff"])}; {Named(status["CapBnd"])} | {(status["NoNewPrivs"] == "1" ? "set" : "not set")} | {RootFileSystem(ns, workload)} "
                + $"| {((bool?)pod["hostNetwork"] == true ? "the node's" : "its own")} | {(string?)pod["securityContext"]!["seccompProfile"]!["type"]} |");
            Assert.Equal(status["CapEff"], status["CapPrm"]);
            Assert.Equal("0000000000000000", status["CapInh"]);
            Assert.Equal("0000000000000000", status["CapAmb"]);
        }

        Check(string.Join('\n', rows));
    }

    /// <summary>A lab that ran everything as root would pass the test above only if it lied: here it is asked for something else.</summary>
    [Fact]
    public void TheLabGivesWhatIsAskedFor_NotWhatWeHopeFor()
    {
        try
        {
            _lab.Apply("""
                apiVersion: v1
                kind: Pod
                metadata: {name: lavish}
                spec:
                  terminationGracePeriodSeconds: 0
                  containers:
                  - name: lavish
                    image: ghcr.io/c1t1d0s7/network-multitool
                    command: [sleep, '300']
                    securityContext: {runAsUser: 0, capabilities: {drop: [ALL], add: [NET_RAW, CHOWN]}}
                """).Succeeds();
            _lab.Kubectl("wait --for=condition=Ready pod/lavish --timeout=20s").Succeeds();
            var status = Status("default", "pod/lavish");
            Assert.Equal("CHOWN, NET_RAW", Named(status["CapEff"]));
            Assert.Equal("writable", RootFileSystem("default", "pod/lavish"));
        }
        finally
        {
            _lab.Kubectl("delete pod lavish --now");
        }
    }

    /// <summary>What the roles are granted is enough for all that the lab's other tests made them do: nobody was refused anything.</summary>
    [Fact]
    public async Task NothingTheRolesTryIsForbidden()
    {
        await fixture.SpeakersReadyAsync();
        foreach (var (_, ns, workload) in _roles)
        {
            var pods = workload.Split(' ')[0].Split('/')[1];
            foreach (var pod in _lab.Kubectl($"get pods -n {ns} -o name").Succeeds().Lines.Where(pod => pod.StartsWith("pod/" + pods, StringComparison.Ordinal)))
                Assert.DoesNotContain("orbidden", _lab.Kubectl($"logs -n {ns} {pod} --all-containers").Succeeds().Output, StringComparison.Ordinal);
        }
    }

    private Dictionary<string, string> Status(string ns, string workload) => _lab.Kubectl($"exec -n {ns} {workload} -- cat /proc/1/status").Succeeds().Lines
        .Select(line => line.Split(':', 2)).ToDictionary(parts => parts[0], parts => parts[1].Trim(), StringComparer.Ordinal);

    /// <summary>The mount's own flag, and that nothing can be written anywhere a program would: also not in /tmp.</summary>
    private string RootFileSystem(string ns, string workload)
    {
        var options = _lab.Kubectl($"exec -n {ns} {workload} -- cat /proc/1/mountinfo").Succeeds().Lines.Single(line => line.Split(' ')[4] == "/").Split(' ')[5].Split(',');
        var written = _lab.Kubectl($"exec -n {ns} {workload} -- sh -c 'for f in /x /etc/x /usr/x /tmp/x /run/x /var/lib/x; do touch $f 2>/dev/null && echo $f; done; true'").Succeeds().Lines;
        Assert.Equal(options.Contains("ro"), written.Length == 0);
        return options.Contains("ro") ? "read-only" : "writable";
    }

    /// <summary>The names of a set as /proc writes it (linux/capability.h).</summary>
    private static string Named(string hexadecimal)
    {
        var set = ulong.Parse(hexadecimal, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var names = new List<string>();
        for (var bit = 0; bit < 64; bit++)
            if ((set & 1UL << bit) != 0)
                names.Add(bit switch { 0 => "CHOWN", 10 => "NET_BIND_SERVICE", 12 => "NET_ADMIN", 13 => "NET_RAW", 23 => "SYS_NICE", _ => $"capability {bit}" });
        return names.Count == 0 ? "none" : string.Join(", ", names);
    }

    private static void Check(string table)
    {
        var document = Path.Combine(Repository.Root, "docs", "security.md");
        var text = File.ReadAllText(document);
        var (begin, end) = (text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, text.IndexOf(End, StringComparison.Ordinal));
        if (Environment.GetEnvironmentVariable("PORTOLAN_WRITE_DOCS") is "1")
            File.WriteAllText(document, $"{text[..begin]}\n\n{table}\n\n{text[end..]}");
        else
            Assert.Equal(table, text[begin..end].Trim());
    }
}
