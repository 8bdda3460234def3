namespace Portolan.Proxy.Nftables;

/// <summary>
/// Hands out numbers that things have in the kernel, a fixed step apart. A freed number is used again as late as possible: what the kernel
/// remembers by it for a while (clients with affinity) should be gone by then.
/// </summary>
internal sealed class NumberPool
{
    private readonly Queue<uint> _free = new();
    private readonly uint _step;
    private uint _next;

    /// <param name="step">The first number, and the distance between two.</param>
    internal NumberPool(uint step) => _step = _next = step;

    /// <summary>Forgets everything but these, which are taken.</summary>
    internal void Restart(IEnumerable<uint> taken)
    {
        var numbers = taken.ToHashSet();
        _free.Clear();
        _next = numbers.Count == 0 ? _step : numbers.Max() + _step;
        for (var number = _step; number < _next; number += _step)
        {
            if (!numbers.Contains(number))
                _free.Enqueue(number);
        }
    }

    internal uint Take()
    {
        if (_free.TryDequeue(out var number))
            return number;
        number = _next;
        _next = checked(_next + _step);
        return number;
    }

    internal void Free(uint number) => _free.Enqueue(number);
}
