using System.Collections;
using System.Collections.Immutable;

namespace Portolan.Core.Forwarding;

/// <summary>Slots as indexes of real servers: two bytes each, because a maglev table has many.</summary>
internal sealed class SlotList : IReadOnlyList<RealServer>
{
    private readonly ImmutableArray<RealServer> _servers;

    internal SlotList(ImmutableArray<RealServer> servers, ushort[] indexes) => (_servers, Indexes) = (servers, indexes);

    internal ushort[] Indexes { get; }

    public int Count => Indexes.Length;

    public RealServer this[int index] => _servers[Indexes[index]];

    public IEnumerator<RealServer> GetEnumerator()
    {
        foreach (var index in Indexes)
            yield return _servers[index];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
