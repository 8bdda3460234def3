using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>How a watch wants its objects.</summary>
internal readonly record struct EventForm(KindSchema Kind, Accept Accept, string Include, bool Columns);

/// <summary>
/// The latest objects in the forms that have to be made (tables, other versions), so that an event is made once for all its watchers. A fixed number
/// of slots, each overwritten by whatever comes next to it: two watchers that race make the same bytes twice, and that is all.
/// </summary>
internal sealed class SharedForms(TimeProvider clock)
{
    private const int Slots = 64;
    private const int LargestKept = 16 * 1024;

    // Ages are told in whole seconds.
    private sealed record Entry(StoredObject Object, EventForm Form, long Second, byte[] Bytes);

    private readonly Entry?[] _entries = new Entry?[Slots];

    public byte[] Get(StoredObject obj, EventForm form, Func<StoredObject, EventForm, byte[]> make)
    {
        var second = clock.GetUtcNow().ToUnixTimeSeconds();
        ref var slot = ref _entries[(uint)HashCode.Combine(obj.Revision, form) % Slots];
        if (Volatile.Read(ref slot) is { } entry && ReferenceEquals(entry.Object, obj) && entry.Second == second && entry.Form == form) return entry.Bytes;
        var bytes = make(obj, form);
        if (bytes.Length <= LargestKept) Volatile.Write(ref slot, new(obj, form, second, bytes));
        return bytes;
    }
}
