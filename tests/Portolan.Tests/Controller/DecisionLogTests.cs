using System.Text;
using System.Text.Json.Nodes;
using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Hosting;
using Portolan.Kubernetes.Resources;

namespace Portolan.Tests.Controller;

/// <summary>What MetalLB's controller logs by <c>event</c> and <c>op</c> is found here under the same words.</summary>
public sealed class DecisionLogTests
{
    private static readonly string[] _keys = ["ts", "level", "caller", "msg"];

    [Fact]
    public void GivenAddress()
    {
        var line = Assert.Single(Logged(State("10.0.0.0/30").SetService(ControllerStateTests.Service("web").ToFacts())));
        Assert.Equal(_keys, line.Select(property => property.Key).Take(4));
        Assert.Equal(("info", "ipAllocated", "default/web", "lab"), ((string?)line["level"], (string?)line["event"], (string?)line["service"], (string?)line["pool"]));
        Assert.Equal("""["10.0.0.0"]""", line["ip"]!.ToJsonString());
        Assert.Equal("IP address assigned by controller", (string?)line["msg"]);
    }

    [Fact]
    public void Failure()
    {
        var allocator = State("10.0.0.0/32");
        allocator.SetService(ControllerStateTests.Service("first").ToFacts());
        var line = Assert.Single(Logged(allocator.SetService(ControllerStateTests.Service("web").ToFacts())));
        Assert.Equal(("error", "allocateIPs", "no available IPv4 address in lab"), ((string?)line["level"], (string?)line["op"], (string?)line["error"]));
    }

    [Fact]
    public void AddressTakenBack_ForAnotherOneOrForNone()
    {
        var allocator = State("10.0.0.0/30");
        allocator.SetService(ControllerStateTests.Service("web").ToFacts());
        var lines = Logged(allocator.SetPools(PoolSet.Empty.Update([new AddressPoolSpec { Name = "lab", Addresses = ["10.0.1.0/30"] }])));
        Assert.Equal(["clearAssignment", "ipAllocated"], lines.Select(line => (string?)line["event"]));
        lines = Logged(allocator.SetService(ControllerStateTests.Service("web").ToFacts() with { Type = ServiceType.ClusterIP }));
        Assert.Equal(("clearAssignment", "type is not LoadBalancer"), ((string?)Assert.Single(lines)["event"], (string?)lines[0]["reason"]));
    }

    [Fact]
    public void NothingNewIsForDebuggingOnly()
    {
        var allocator = State("10.0.0.0/30");
        allocator.SetService(ControllerStateTests.Service("web").ToFacts());
        Assert.Empty(Logged(allocator.SetService(ControllerStateTests.Service("web").ToFacts())));
        Assert.Equal("noChange", (string?)Assert.Single(Logged(allocator.SetService(ControllerStateTests.Service("web").ToFacts()), "debug"))["event"]);
    }

    private static Allocator State(string addresses)
    {
        var allocator = new Allocator();
        allocator.SetPools(PoolSet.Empty.Update([new AddressPoolSpec { Name = "lab", Addresses = [addresses] }]));
        allocator.Start();
        return allocator;
    }

    private static List<JsonObject> Logged(IReadOnlyList<Decision> decisions, string level = "info")
    {
        using var output = new MemoryStream();
        using var logs = new JsonLineLogs(output, LogVerbosity.Parse(level), TimeProvider.System);
        var log = logs.CreateLogger("Controller");
        foreach (var decision in decisions)
            DecisionLog.Write(log, decision);
        return [.. Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!.AsObject())];
    }
}
