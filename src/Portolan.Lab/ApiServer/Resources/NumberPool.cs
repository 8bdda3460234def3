using System.Security.Cryptography;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>
/// Numbers of a range that objects own: Service addresses and node ports. What is free is what no committed object has and no write in flight
/// has reserved. Random choice avoids the low band while it can, so that people who pick numbers by hand rarely meet one that is taken.
/// </summary>
internal sealed class NumberPool(uint first, uint last, uint lowBand)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<uint, int> _taken = [];

    public bool Contains(uint number) => number >= first && number <= last;

    /// <summary>False when it is taken.</summary>
    public bool TryTake(uint number)
    {
        lock (_lock)
        {
            if (_taken.ContainsKey(number)) return false;
            _taken[number] = 1;
            return true;
        }
    }

    /// <summary>A free number at random, null when there is none.</summary>
    public uint? TakeAny()
    {
        lock (_lock)
        {
            return Pick(first + lowBand, last) ?? Pick(first, first + lowBand - 1);
        }
    }

    /// <summary>Counts another owner of the number: a committed object beside the write that reserved it.</summary>
    public void Add(uint number)
    {
        lock (_lock) _taken[number] = _taken.GetValueOrDefault(number) + 1;
    }

    public void Release(uint number)
    {
        lock (_lock)
        {
            if (!_taken.TryGetValue(number, out var owners)) return;
            if (owners > 1) _taken[number] = owners - 1;
            else _taken.Remove(number);
        }
    }

    private uint? Pick(uint from, uint to)
    {
        var size = to - from + 1;
        var start = (uint)RandomNumberGenerator.GetInt32((int)size);
        for (uint i = 0; i < size; i++)
        {
            var number = from + ((start + i) % size);
            if (_taken.TryAdd(number, 1)) return number;
        }

        return null;
    }
}
