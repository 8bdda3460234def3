using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Lab.Commands;

namespace Portolan.Lab.Tests.Commands;

public sealed class SettlingPictureTests
{
    private readonly SettlingPicture _picture = new(expectedNodes: 1, "kube-system");

    [Fact]
    public void IsSettledOnlyWhenNodesAndWorkloadsAre_AndEverythingHasBeenSeen()
    {
        Put("Node", """{"metadata":{"name":"node1"},"status":{"conditions":[{"type":"Ready","status":"True"}]}}""");
        Put("Deployment", """{"metadata":{"name":"coredns","generation":1},"spec":{"replicas":1},"status":{"observedGeneration":1,"availableReplicas":1,"updatedReplicas":1}}""");
        Put("DaemonSet", """{"metadata":{"name":"portolan-proxy","generation":2},"status":{"observedGeneration":1,"desiredNumberScheduled":1,"numberReady":1}}""");
        Assert.False(_picture.IsSettled);
        foreach (var kind in (string[])["Node", "Pod", "Deployment", "DaemonSet"])
            _picture.Apply(kind, new Change<UntypedObject>(ChangeKind.Synced, default, null, null));
        Assert.Equal("portolan-proxy has 0 of 1 pods Ready", _picture.Missing);

        Put("DaemonSet", """{"metadata":{"name":"portolan-proxy","generation":2},"status":{"observedGeneration":2,"desiredNumberScheduled":1,"numberReady":1}}""");
        Assert.True(_picture.IsSettled, _picture.Missing);
        Assert.Equal("1 of 1 nodes Ready; kube-system: coredns 1/1, portolan-proxy 1/1", _picture.Summary);
    }

    [Fact]
    public void NamesThePodsTrouble()
    {
        Put("Pod", """{"metadata":{"name":"coredns-x"},"status":{"containerStatuses":[{"state":{"waiting":{"reason":"ImagePullBackOff","message":"not found"}}}]}}""");
        Assert.Contains("pod coredns-x: ImagePullBackOff not found", _picture.Missing, StringComparison.Ordinal);
        Assert.Equal(["controllers", "node1"], _picture.SuspectLogs);
    }

    private void Put(string kind, string json)
    {
        var value = new UntypedObject((JsonObject)JsonNode.Parse(json)!);
        _picture.Apply(kind, new Change<UntypedObject>(ChangeKind.Added, new ObjectKey("", value.Metadata.Name!), null, value));
    }
}
