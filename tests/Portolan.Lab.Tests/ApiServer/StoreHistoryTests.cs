using System.Text.Json.Nodes;
using CsCheck;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;
using Portolan.Core.Cluster;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>How far back the store remembers, also across restarts.</summary>
public sealed class StoreHistoryTests : IDisposable
{
    private const string Things = "things.example.com";
    private static readonly HistoryLimits Few = HistoryLimits.Default with { Events = 4 };
    private readonly string _directory = Directory.CreateTempSubdirectory("portolan-history-").FullName;

    private string Path => System.IO.Path.Combine(_directory, "store.db");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static UnversionedObject Object(string name, int value) => ObjectWriter.Write(new()
    {
        ["apiVersion"] = "example.com/v1", ["kind"] = "Thing", ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "a" }, ["spec"] = new JsonObject { ["value"] = value },
    });

    private static async Task<long> Put(ObjectStore store, string name, int value = 0, bool delete = false, string resource = Things)
    {
        var key = new ObjectKey("a", name);
        var outcome = await store.WriteAsync(new(resource, key, store.Find(resource, key)?.Revision ?? 0, Object(name, value), delete), default);
        Assert.True(outcome.Committed);
        return outcome.Object!.Revision;
    }

    private static List<string> EventsSince(ObjectStore store, long revision, string resource = Things)
    {
        using var subscription = store.Subscribe(new(resource), revision);
        return [.. subscription!.Missed.Select(e => $"{e.New.Key.Name}{Value(e.Old)}→{(e.Deleted ? "gone" : Value(e.New))}")];
    }

    private static string Value(StoredObject? obj) => obj is null ? "" : ((int)JsonNode.Parse(obj.Json)!["spec"]!["value"]!).ToString();

    private static List<string> Show(IEnumerable<StoredObject> objects) => [.. objects.Select(o => $"{o.Key.Name}{Value(o)}")];

    [Fact]
    public async Task AWatcherResumesAcrossARestart_WithEveryEventItMissed()
    {
        long seen;
        using (var store = new ObjectStore(Path))
        {
            seen = await Put(store, "x", 1);
            await Put(store, "x", 2);
            await Put(store, "y", 3);
            await Put(store, "y", 4, delete: true);
        }

        using (var store = new ObjectStore(Path))
        {
            Assert.Equal(["x1→2", "y→3", "y3→gone"], EventsSince(store, seen));
            var last = await Put(store, "x", 5);
            Assert.Equal(["x1→2", "y→3", "y3→gone", "x2→5"], EventsSince(store, seen));
            Assert.Empty(EventsSince(store, last));
        }
    }

    [Fact]
    public async Task AWatcherFromBeforeTheHistoryMustListAgain_AlsoAfterARestart()
    {
        var revisions = new List<long>();
        using (var store = new ObjectStore(Path, Few))
        {
            for (var i = 0; i < 6; i++) revisions.Add(await Put(store, "x", i));
            Check(store);
        }

        using (var store = new ObjectStore(Path, Few)) Check(store);

        void Check(ObjectStore store)
        {
            Assert.Null(store.Subscribe(new(Things), revisions[0]));
            Assert.Null(store.ListAt(Things, null, revisions[0]));
            Assert.Equal(["x1→2", "x2→3", "x3→4", "x4→5"], EventsSince(store, revisions[1]));
            Assert.Equal(["x1"], Show(store.ListAt(Things, null, revisions[1])!.Objects));
        }
    }

    [Fact]
    public async Task AQuietResourceIsResumedFromLongAgo()
    {
        using var store = new ObjectStore(Path, Few);
        await Put(store, "q", resource: "quiet");
        var seen = await Put(store, "q", 1, resource: "quiet");
        for (var i = 0; i < 20; i++) await Put(store, "x", i);
        Assert.Empty(EventsSince(store, seen, "quiet"));
        Assert.Null(store.Subscribe(new("quiet"), seen - 1));
    }

    [Fact]
    public async Task ForgetsByAgeAndByMemory()
    {
        var clock = new FakeTimeProvider();
        using var store = new ObjectStore(Path, HistoryLimits.Default with { Age = TimeSpan.FromMinutes(5), Bytes = 1000 }, clock);
        var first = await Put(store, "x");
        var second = await Put(store, "x");
        clock.Advance(TimeSpan.FromMinutes(4));
        Assert.Single(EventsSince(store, first));
        clock.Advance(TimeSpan.FromMinutes(2));
        await Put(store, "x");
        Assert.Null(store.Subscribe(new(Things), first));
        Assert.Single(EventsSince(store, second));
        for (var i = 0; i < 20; i++) await Put(store, "x");
        Assert.Null(store.Subscribe(new(Things), second));
    }

    [Fact]
    public async Task ForgottenStatesLeaveTheDisk()
    {
        using (var store = new ObjectStore(Path, Few))
        {
            for (var i = 0; i < 50; i++) await Put(store, $"n{i % 3}", i);
            for (var i = 0; i < 3; i++) await Put(store, $"n{i}", delete: true);
            await Put(store, "last");
        }

        using var connection = new SqliteConnection($"Data Source={Path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM states";
        // The four events kept, and the three states before the deletions among them.
        Assert.Equal(7L, command.ExecuteScalar());
    }

    [Fact]
    public async Task AWatcherOfTheFutureWaitsForIt()
    {
        using var store = new ObjectStore(Path);
        var now = await Put(store, "x");
        using var subscription = store.Subscribe(new(Things), now + 2)!;
        await Put(store, "y");
        await Put(store, "y", 1);
        Assert.False(subscription.Items.TryPeek(out _));
        await Put(store, "y", 2);
        Assert.True(subscription.Items.TryRead(out var item));
        Assert.Equal(now + 3, item.Event.Revision);
    }

    [Fact]
    public async Task BookmarksComeInTheOrderOfEvents_ToWhoAskedForThem()
    {
        using var store = new ObjectStore(Path);
        using var asking = store.Subscribe(new("quiet", Bookmarks: true), store.Revision)!;
        using var busy = store.Subscribe(new(Things, Bookmarks: true), store.Revision)!;
        using var silent = store.Subscribe(new(Things), store.Revision)!;
        var first = await Put(store, "x");
        store.OfferBookmarks();
        var second = await Put(store, "x", 1);
        Assert.Equal([first, -first, second], [.. Drain(busy)]);
        Assert.Equal([-first], [.. Drain(asking)]);
        Assert.Equal([first, second], [.. Drain(silent)]);
        store.End(asking);
        Assert.Equal([-second], [.. Drain(asking)]);
        Assert.True(asking.Items.Completion.IsCompleted);

        static IEnumerable<long> Drain(Subscription subscription)
        {
            while (subscription.Items.TryRead(out var item)) yield return item.Bookmark > 0 ? -item.Bookmark : item.Event.Revision;
        }
    }

    [Fact]
    public void TakesOverAStoreOfTheOlderForm()
    {
        var json = Convert.ToHexString(Object("x", 7).WithRevision(Things, new("a", "x"), 41).Json);
        using (var connection = new SqliteConnection($"Data Source={Path};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = $"""
                CREATE TABLE objects (resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL, json BLOB NOT NULL, PRIMARY KEY (resource, namespace, name)) WITHOUT ROWID;
                CREATE TABLE heads (resource TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
                CREATE TABLE counter (id INTEGER PRIMARY KEY CHECK (id = 0), revision INTEGER NOT NULL);
                INSERT INTO counter VALUES (0, 43);
                INSERT INTO heads VALUES ('{Things}', 42);
                INSERT INTO objects VALUES ('{Things}', 'a', 'x', 41, x'{json}');
                """;
            command.ExecuteNonQuery();
        }

        for (var start = 0; start < 2; start++)
        {
            using var store = new ObjectStore(Path);
            Assert.Equal(43, store.Revision);
            Assert.Equal(["x7"], Show(store.List(Things, null).Objects));
            Assert.Null(store.Subscribe(new(Things), 41));
            Assert.Empty(EventsSince(store, 42));
        }
    }

    /// <summary>Any history, with restarts and any limit on it: what the store says was there at a revision is what was there, or that it forgot.</summary>
    [Fact]
    public async Task TellsThePastAsItWas()
    {
        var step = Gen.Select(Gen.Int[0, 12], Gen.Int[0, 3], Gen.Int[0, 9]);
        var round = 0;
        await Gen.Select(step.Array[1, 80], Gen.Int[1, 30]).SampleAsync(async (steps, kept) =>
        {
            var path = $"{Path}.{Interlocked.Increment(ref round)}";
            var limits = HistoryLimits.Default with { Events = kept };
            var store = new ObjectStore(path, limits);
            var past = new List<(long Revision, List<string> Objects)> { (store.Revision, []) };
            try
            {
                foreach (var (name, operation, value) in steps)
                {
                    if (operation == 3 && value == 0)
                    {
                        store.Dispose();
                        store = new(path, limits);
                        continue;
                    }

                    var key = new ObjectKey("a", $"n{name:d2}-");
                    if (operation == 0 && store.Find(Things, key) is null) continue;
                    var revision = await Put(store, key.Name, value, delete: operation == 0);
                    past.Add((revision, Show(store.List(Things, "a").Objects)));
                }

                var known = 0;
                foreach (var (revision, objects) in past)
                {
                    if (store.ListAt(Things, "a", revision) is not { } snapshot) continue;
                    known++;
                    Assert.Equal(objects, Show(snapshot.Objects));
                    Assert.Equal(objects.Where(o => string.CompareOrdinal(o, "n06") >= 0), Show(snapshot.From(new("a", "n06"))));
                    Assert.Equal(Math.Min(kept, past.Count(p => p.Revision > revision)), EventsSince(store, revision).Count);
                }

                Assert.Equal(Math.Min(past.Count, kept + 1), known);
            }
            finally
            {
                store.Dispose();
            }
        }, iter: 30, threads: 1);
    }
}
