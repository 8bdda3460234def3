using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Speaker;
using Portolan.Tests.Controller;

namespace Portolan.Tests.Speaker;

public sealed class AnnouncementStatusWriterTests
{
    private static readonly ObjectKey Web = new("default", "web");

    [Fact]
    [Contract("§1.7 ServiceL2Status")]
    public async Task SeveralThatAnnounceLeaveEachOthersStatusesAlone_AndTheDeadOnesGoes()
    {
        await using var api = await FakeApi.StartAsync(Answer);
        var writer = new AnnouncementStatusWriter<ServiceL2Status>(api.Client, AnnouncementStatusKinds.Layer2, new SpeakerOptions("node1", "metallb-system", "", "memberlist", null, false), TimeProvider.System, NullLogger.Instance);
        using var stop = new CancellationTokenSource();
        writer.Want(Web, ["eth0"], ["node1", "node2"]);
        writer.On(Added("l2-two", "node2"));
        writer.On(Added("l2-three", "node3"));
        writer.On(new Change<ServiceL2Status>(ChangeKind.Synced, default, null, null));
        var run = writer.RunAsync(stop.Token);
        await EventuallyAsync(() => api.Requests.Count >= 3);
        Assert.Equal("DELETE l2-three", Short(api.Requests[0]));
        Assert.Equal("POST servicel2statuses", Short(api.Requests[1]));
        Assert.Equal("PUT status", Short(api.Requests[2]));

        // The other dies.
        writer.Want(Web, ["eth0"], ["node1"]);
        await EventuallyAsync(() => api.Requests.Count >= 4);
        Assert.Equal("DELETE l2-two", Short(api.Requests[3]));
        writer.Want(Web, ["eth0"], ["node1"]); // nothing new
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Equal(4, api.Requests.Count);
    }

    private static (int Status, string Body) Answer(string request) => request.StartsWith("DELETE", StringComparison.Ordinal)
        ? (200, """{"kind":"Status","status":"Success"}""")
        : (200, new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "l2-one", ["namespace"] = "metallb-system", ["uid"] = "l2-one", ["resourceVersion"] = "1", ["labels"] = new JsonObject { ["metallb.io/node"] = "node1" } },
            ["status"] = request.StartsWith("PUT", StringComparison.Ordinal) ? JsonNode.Parse("{\"node\":\"node1\",\"interfaces\":[{\"name\":\"eth0\"}]}") : null,
        }.ToJsonString());

    private static string Short(string request) => request.Split(' ')[0] + " " + request.Split(' ')[1].Split('/')[^1];

    private static Change<ServiceL2Status> Added(string name, string node)
    {
        var status = new ServiceL2Status
        {
            Metadata = new()
            {
                Name = name,
                Namespace = "metallb-system",
                Uid = name,
                Labels = new Dictionary<string, string> { ["metallb.io/node"] = node, ["metallb.io/service-name"] = Web.Name, ["metallb.io/service-namespace"] = Web.Namespace },
            },
        };
        return new Change<ServiceL2Status>(ChangeKind.Added, new ObjectKey("metallb-system", name), null, status);
    }

    private static async Task EventuallyAsync(Func<bool> condition)
    {
        for (var waited = 0; !condition(); waited++)
        {
            Assert.True(waited < 500, "waited in vain");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
