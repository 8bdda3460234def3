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
        List<uint> numbers = [.. taken];
        numbers.Sort();
        _free.Clear();
        _next = _step;
        foreach (var number in numbers)
        {
            for (; _next < number; _next += _step)
                _free.Enqueue(_next);
            if (_next == number)
                _next += _step;
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
