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

    [Fact]
    public void KnowsWhatAnOwnerOwns_ThroughChangesAndDeletions()
    {
        _cache.Put(WorkloadKinds.Pods, Pod("u1", 10, "o1"));
        Assert.Single(_cache.OwnedBy(WorkloadKinds.Pods, "o1"));
        Assert.Empty(_cache.OwnedBy(WorkloadKinds.ReplicaSets, "o1"));
        _cache.Put(WorkloadKinds.Pods, Pod("u1", 11, "o2"));
        Assert.Empty(_cache.OwnedBy(WorkloadKinds.Pods, "o1"));
        Assert.Equal("11", _cache.OwnedBy(WorkloadKinds.Pods, "o2").Single().Metadata.ResourceVersion);
        _cache.Put(WorkloadKinds.Pods, Pod("u3", 12, "o3"));
        Assert.Empty(_cache.OwnedBy(WorkloadKinds.Pods, "o2"));
        _cache.Remove(WorkloadKinds.Pods, Pod("u3", 12).Key(), "u3");
        Assert.Empty(_cache.OwnedBy(WorkloadKinds.Pods, "o3"));
        _cache.Put(WorkloadKinds.Pods, Pod("u4", 13, "o4"));
        _cache.Drop(WorkloadKinds.Pods);
        Assert.Empty(_cache.OwnedBy(WorkloadKinds.Pods, "o4"));
    }

    private static UntypedObject Pod(string uid, int version, string owner = "none") => new((JsonObject)JsonNode.Parse(
        $$$"""{"metadata":{"name":"p","namespace":"default","uid":"{{{uid}}}","resourceVersion":"{{{version}}}","ownerReferences":[{"apiVersion":"v1","kind":"Owner","name":"o","uid":"{{{owner}}}"}]}}""")!);
}
