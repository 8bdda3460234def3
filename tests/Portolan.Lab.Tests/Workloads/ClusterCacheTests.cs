using System.Text.Json.Nodes;

using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads;

namespace Portolan.Lab.Tests.Workloads;

public sealed class ClusterCacheTests
{
    private readonly ClusterCache _cache = new();

    [Fact]
    public void EventOlderThanOurOwnWriteIsPassedOver()
    {
        Assert.NotNull(_cache.Put(WorkloadKinds.Pods, Pod("u1", 10)));
        Assert.Null(_cache.Put(WorkloadKinds.Pods, Pod("u1", 9)));
        Assert.Null(_cache.Put(WorkloadKinds.Pods, Pod("u1", 10)));
        Assert.NotNull(_cache.Put(WorkloadKinds.Pods, Pod("u1", 11)));
    }

    [Fact]
    public void WhatWeDeletedDoesNotComeBackByALateEvent()
    {
        _cache.Put(WorkloadKinds.Pods, Pod("u1", 10));
        Assert.NotNull(_cache.Bury(WorkloadKinds.Pods, Pod("u1", 10).Key(), "u1"));
        Assert.Null(_cache.Put(WorkloadKinds.Pods, Pod("u1", 11)));
        Assert.Empty(_cache.All(WorkloadKinds.Pods));
    }

    [Fact]
    public void DeletionOfAPredecessorLeavesItsSuccessorAlone()
    {
        _cache.Put(WorkloadKinds.Pods, Pod("u2", 20));
        Assert.Null(_cache.Remove(WorkloadKinds.Pods, Pod("u1", 10).Key(), "u1"));
        Assert.Single(_cache.All(WorkloadKinds.Pods));
    }

    private static UntypedObject Pod(string uid, int version) =>
        new((JsonObject)JsonNode.Parse($$$"""{"metadata":{"name":"p","namespace":"default","uid":"{{{uid}}}","resourceVersion":"{{{version}}}"}}""")!);
}
