using System.Text.Json.Nodes;
using CsCheck;
using Portolan.Core.Cluster;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.Tests.ApiServer;

public sealed class ObjectStoreTests : IDisposable
{
    private const string Things = "things.example.com";
    private readonly string _directory = Directory.CreateTempSubdirectory("portolan-store-").FullName;

    private string Path => System.IO.Path.Combine(_directory, "store.db");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static UnversionedObject Object(string ns, string name, int value = 0, string? label = null)
    {
        var metadata = new JsonObject { ["name"] = name, ["namespace"] = ns };
        if (label is not null) metadata["labels"] = new JsonObject { ["l"] = label };
        return ObjectWriter.Write(new() { ["kind"] = "Thing", ["apiVersion"] = "example.com/v1", ["metadata"] = metadata, ["spec"] = new JsonObject { ["value"] = value } });
    }

    private static async Task<StoredObject> Put(ObjectStore store, string name, long expected = 0, int value = 0, bool delete = false, string? label = null)
    {
        var outcome = await store.WriteAsync(new(Things, new("a", name), expected, Object("a", name, value, label), delete), default);
        Assert.True(outcome.Committed);
        return outcome.Object!;
    }

    [Fact]
    public async Task PutsTheRevisionIntoTheObject()
    {
        using var store = new ObjectStore(Path);
        var stored = await Put(store, "x", label: "é\"");
        var json = (JsonObject)JsonNode.Parse(stored.Json)!;
        Assert.Equal(stored.Revision.ToString(), (string?)json["metadata"]!["resourceVersion"]);
        Assert.Equal(json["metadata"]!.ToJsonString(), JsonNode.Parse(stored.MetadataJson)!.ToJsonString());
        Assert.Equal([new("l", "é\"")], stored.Labels);
        var later = stored.AtRevision(123456789);
        Assert.Equal("123456789", (string?)JsonNode.Parse(later.MetadataJson)!["resourceVersion"]);
        Assert.Equal(0, (int?)JsonNode.Parse(later.Json)!["spec"]!["value"]);
    }

    [Fact]
    public async Task RefusesAWriteBasedOnAnOlderState()
    {
        using var store = new ObjectStore(Path);
        var first = await Put(store, "x");
        var second = await Put(store, "x", first.Revision, 1);
        var outcome = await store.WriteAsync(new(Things, new("a", "x"), first.Revision, Object("a", "x", 2)), default);
        Assert.False(outcome.Committed);
        Assert.Equal(second.Revision, outcome.Object!.Revision);
        outcome = await store.WriteAsync(new(Things, new("a", "x"), 0, Object("a", "x", 2)), default);
        Assert.False(outcome.Committed);
    }

    [Fact]
    public async Task OnlyOneOfManyConcurrentWritersOfAStateWins()
    {
        using var store = new ObjectStore(Path);
        var first = await Put(store, "x");
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => store.WriteAsync(new(Things, new("a", "x"), first.Revision, Object("a", "x", i)), default)));
        Assert.Single(outcomes, o => o.Committed);
    }

    [Fact]
    public async Task KeepsObjectsAndNeverReusesARevision_AcrossARestart()
    {
        long last;
        using (var store = new ObjectStore(Path))
        {
            await Put(store, "x", value: 7);
            var gone = await Put(store, "y");
            last = (await Put(store, "y", gone.Revision, delete: true)).Revision;
        }

        using (var store = new ObjectStore(Path))
        {
            Assert.Equal(last, store.Revision);
            var objects = store.List(Things, null).Objects.ToList();
            Assert.Equal(["x"], objects.Select(o => o.Key.Name));
            Assert.Equal(7, (int?)JsonNode.Parse(objects[0].Json)!["spec"]!["value"]);
            Assert.True((await Put(store, "z")).Revision > last);
        }
    }

    [Fact]
    public async Task CutsOffAWatcherThatDoesNotRead_WithoutHoldingUpWriters()
    {
        using var store = new ObjectStore(Path);
        using var slow = store.Subscribe(new(Things), null)!;
        await Task.WhenAll(Enumerable.Range(0, 5000).Select(i => Put(store, $"n{i}")));
        await Assert.ThrowsAsync<WatcherTooSlowException>(async () =>
        {
            await foreach (var _ in slow.Items.ReadAllAsync(TestContext.Current.CancellationToken))
            {
            }
        });
    }

    /// <summary>Any history of writes, any number of watchers that leave and resume at any point: each sees every change once and in order.</summary>
    [Fact]
    public async Task ResumingWatchersSeeEveryChangeOnceAndInOrder()
    {
        var operations = Gen.Select(Gen.Int[0, 4], Gen.Int[0, 2], Gen.Int[0, 9]).Array[1, 60];
        var round = 0;
        await operations.SampleAsync(async writes =>
        {
            using var store = new ObjectStore($"{Path}.{Interlocked.Increment(ref round)}");
            var start = store.Revision;
            var ended = new TaskCompletionSource<long>();
            var watchers = Enumerable.Range(1, 3).Select(n => Task.Run(() => Watch(store, start, leaveAfter: n, ended.Task))).ToList();
            var truth = new List<string>();
            foreach (var (name, operation, value) in writes)
            {
                var key = new ObjectKey("a", $"n{name}");
                var current = store.Find(Things, key);
                if (operation == 0 && current is null) continue;
                var outcome = await store.WriteAsync(new(Things, key, current?.Revision ?? 0, Object("a", key.Name, value), operation == 0), default);
                truth.Add($"{outcome.Object!.Revision} {key.Name} {(operation == 0 ? "deleted" : current is null ? "added" : "modified")}");
            }

            ended.SetResult(store.Revision);
            foreach (var seen in await Task.WhenAll(watchers)) Assert.Equal(truth, seen);
        }, iter: 25, threads: 1);
    }

    private static async Task<List<string>> Watch(ObjectStore store, long revision, int leaveAfter, Task<long> ended)
    {
        var seen = new List<string>();
        while (true)
        {
            using var subscription = store.Subscribe(new(Things), revision)!;
            var count = 0;
            foreach (var e in subscription.Missed)
            {
                See(e);
                count++;
            }

            while (count < leaveAfter)
            {
                var more = subscription.Items.WaitToReadAsync().AsTask();
                if (await Task.WhenAny(more, ended) == ended && !more.IsCompleted)
                {
                    if (revision >= await ended) return seen;
                    await more;
                }

                while (count < leaveAfter && subscription.Items.TryRead(out var item))
                {
                    See(item.Event);
                    count++;
                }
            }

            if (ended.IsCompleted && revision >= await ended) return seen;
        }

        void See(WatchEvent e)
        {
            seen.Add($"{e.Revision} {e.New.Key.Name} {(e.Deleted ? "deleted" : e.Old is null ? "added" : "modified")}");
            revision = e.Revision;
        }
    }
}
