using System.Text.RegularExpressions;

namespace Portolan.EndToEnd.Tests;

/// <summary>The forwarding table as the kernel has it.</summary>
[Collection(LabCollection.Name)]
public sealed class VirtualServersTests(LabFixture fixture)
{
    private readonly Lab _lab = fixture.Lab;

    [Fact]
    public void EveryFrontOfTheServiceHasItsThreeRealServers()
    {
        var clusterIP = _lab.Kubectl("get svc myweb-svc-lb -o jsonpath='{.spec.clusterIP}'").Succeeds().Output;
        foreach (var (node, lan, gateway) in new[] { ("node1", 100, 65), ("node2", 101, 66), ("node3", 102, 67) })
        {
            var table = Table(node);
            Assert.StartsWith("IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n", table);
            foreach (var front in new[] { "192.168.100.240:80", $"{clusterIP}:80", $"192.168.100.{lan}:31313", $"10.233.{gateway}.1:31313", "169.254.25.10:31313" })
                Assert.Equal(3, RealServers(table, front).Count);
            Assert.DoesNotContain("127.0.0.1", table);
        }
    }

    [Fact]
    public async Task ARowIsGoneWhenItsElementIsDeletedByHand()
    {
        const string Front = "192.168.100.240:80";
        Assert.Equal(3, RealServers(Table("node3"), Front).Count);
        var ruleset = _lab.On("node3", "nft list ruleset").Succeeds().Output;
        var (family, table, map, key) = FindElement(ruleset, "192.168.100.240 . tcp . 80");
        _lab.On("node3", $"nft delete element {family} {table} {map} '{{ {key} }}'").Succeeds();
        try
        {
            Assert.Empty(RealServers(Table("node3"), Front));
        }
        finally
        {
            // The proxy reads back what is there when it starts, and restores it.
            foreach (var pid in Processes.Of(_lab.Name, "portolan proxy"))
                Processes.KillHard(pid);
        }

        await Shell.EventuallyAsync(() => Task.FromResult(RealServers(Table("node3"), Front).Count), count => count == 3, 30, "the restored row");
    }

    [Fact]
    public async Task TablesChainsSetsAndMapsAreAsManyForOneServiceAsForFifty()
    {
        var before = Shape();
        var services = string.Join("\n---\n", Enumerable.Range(0, 50).Select(i =>
            $"apiVersion: v1\nkind: Service\nmetadata: {{name: many-{i}, labels: {{many: yes-{i % 2}}}}}\nspec: {{type: NodePort, selector: {{app: web}}, ports: [{{port: {1000 + i}, targetPort: 8080}}]}}"));
        try
        {
            _lab.Apply(services).Succeeds();
            await Shell.EventuallyAsync(() => Task.FromResult(Regex.Count(Table("node1"), @"(?m):10\d\d random$")), count => count == 50, 30, "fifty cluster addresses");
            Assert.Equal(before, Shape());
        }
        finally
        {
            _lab.Kubectl("delete svc -l 'many in (yes-0, yes-1)'");
        }
    }

    private string Table(string node) => _lab.On(node, "portolan get virtual-servers -n").Succeeds().Output;

    private (int Tables, int Chains, int Sets, int Maps) Shape()
    {
        var ruleset = _lab.On("node1", "nft list ruleset").Succeeds().Output;
        return (Regex.Count(ruleset, @"(?m)^table "), Regex.Count(ruleset, @"(?m)^\s+chain "), Regex.Count(ruleset, @"(?m)^\s+set "), Regex.Count(ruleset, @"(?m)^\s+map "));
    }

    private static List<string> RealServers(string table, string front)
    {
        var lines = table.Split('\n');
        var start = Array.FindIndex(lines, line => line == $"TCP  {front} random");
        return start < 0 ? [] : [.. lines.Skip(start + 1).TakeWhile(line => line.StartsWith("  -> ", StringComparison.Ordinal)).Where(line => Regex.IsMatch(line, @"^  -> 10\.233\.\d+\.\d+:8080 +Masq +1 +- +- +$"))];
    }

    /// <summary>The table and map whose key an operator reads in the listing.</summary>
    private static (string Family, string Table, string Map, string Key) FindElement(string ruleset, string key)
    {
        var (family, table, map) = ("", "", "");
        foreach (var line in ruleset.Split('\n'))
        {
            if (Regex.Match(line, @"^table (\S+) (\S+) \{") is { Success: true } found)
                (family, table) = (found.Groups[1].Value, found.Groups[2].Value);
            else if (Regex.Match(line, @"^\s+(?:map|set) (\S+) \{") is { Success: true } inner)
                map = inner.Groups[1].Value;
            if (line.Contains(key, StringComparison.Ordinal))
                return (family, table, map, key);
        }

        throw new InvalidOperationException($"no element {key} in\n{ruleset}");
    }
}
