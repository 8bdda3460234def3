namespace Portolan.Proxy.Nftables;

/// <summary>Hands out the numbers Service ports have in the kernel: <see cref="FrontValue.PortStep"/> apart.</summary>
internal sealed class ServicePortIds
{
    private readonly Stack<uint> _free = new();
    private uint _next = Step;

    private const uint Step = FrontValue.PortStep;

    /// <summary>Forgets everything but these, which are taken.</summary>
    internal void Restart(IEnumerable<uint> taken)
    {
        var numbers = taken.ToHashSet();
        _free.Clear();
        _next = numbers.Count == 0 ? Step : numbers.Max() + Step;
        for (var number = _next - Step; number >= Step; number -= Step)
        {
            if (!numbers.Contains(number))
                _free.Push(number);
        }
    }

    internal uint Take()
    {
        if (_free.TryPop(out var number))
            return number;
        number = _next;
        _next = checked(_next + Step);
        return number;
    }

    internal void Free(uint number) => _free.Push(number);
}
