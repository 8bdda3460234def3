using System.Buffers.Binary;
using System.Net;

namespace Portolan.Lab.Nodes.Networking;

internal sealed class PodAddressesExhaustedException(string range) : Exception($"every address of {range} is taken");

/// <summary>The node's pod addresses: handed out in turn, so that one that was just given back rests for a while.</summary>
internal sealed class PodAddresses
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, uint> _taken = [];
    private readonly IPNetwork _range;
    private readonly uint _first;
    private readonly uint _last;
    private uint _next;

    /// <param name="range">An IPv4 range, /30 at the smallest; its first address is the gateway's, its last is the broadcast address: neither is given out.</param>
    public PodAddresses(IPNetwork range)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(range.PrefixLength, 30);
        _range = range;
        var start = BinaryPrimitives.ReadUInt32BigEndian(range.BaseAddress.GetAddressBytes());
        _first = _next = start + 2;
        _last = start + (uint)((1UL << (32 - range.PrefixLength)) - 2);
    }

    /// <returns>The holder's address: the same one while it is not released.</returns>
    /// <exception cref="PodAddressesExhaustedException">None is free.</exception>
    public IPAddress Take(string holder)
    {
        lock (_gate)
        {
            if (_taken.TryGetValue(holder, out var held))
                return ToAddress(held);
            var used = _taken.Values.ToHashSet();
            for (var tried = _first; tried <= _last; tried++)
            {
                var candidate = _next;
                _next = _next == _last ? _first : _next + 1;
                if (!used.Contains(candidate))
                {
                    _taken[holder] = candidate;
                    return ToAddress(candidate);
                }
            }
            throw new PodAddressesExhaustedException(_range.ToString());
        }
    }

    public void Release(string holder)
    {
        lock (_gate)
            _taken.Remove(holder);
    }

    private static IPAddress ToAddress(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return new IPAddress(bytes);
    }
}
