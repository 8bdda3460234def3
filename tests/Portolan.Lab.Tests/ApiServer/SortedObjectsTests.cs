using CsCheck;
using Portolan.Core.Cluster;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.Tests.ApiServer;

public sealed class SortedObjectsTests
{
    private static StoredObject Object(ObjectKey key, long revision) => new() { Resource = "things", Key = key, Revision = revision, Json = [], Metadata = default };

    /// <summary>Any sequence of changes, enough for many leaves: the same as a sorted dictionary, and a snapshot is not changed by what comes after it.</summary>
    [Fact]
    public void HoldsWhatASortedDictionaryHolds()
    {
        Gen.Select(Gen.Int[0, 1500], Gen.Int[0, 9]).Array[0, 3000].Sample(changes =>
        {
            var objects = new SortedObjects();
            var model = new SortedDictionary<ObjectKey, StoredObject>();
            var snapshots = new List<(SortedObjects.Snapshot Snapshot, StoredObject[] Objects)>();
            long revision = 0;
            foreach (var (name, operation) in changes)
            {
                var key = new ObjectKey($"ns{name % 3}", $"n{name}");
                if (operation < 3)
                {
                    objects.Remove(key);
                    model.Remove(key);
                }
                else
                {
                    var obj = Object(key, ++revision);
                    objects.Put(obj);
                    model[key] = obj;
                }

                Assert.Same(model.GetValueOrDefault(key), objects.Find(key));
                if (revision % 400 == 0) snapshots.Add((objects.Share(), [.. model.Values]));
            }

            Assert.Equal(model.Count, objects.Count);
            snapshots.Add((objects.Share(), [.. model.Values]));
            var from = new ObjectKey("ns1", "n5");
            foreach (var (snapshot, expected) in snapshots)
            {
                Assert.Equal(expected, snapshot.From(default));
                Assert.Equal(expected.Where(o => o.Key.CompareTo(from) >= 0), snapshot.From(from));
            }
        }, iter: 40);
    }
}
