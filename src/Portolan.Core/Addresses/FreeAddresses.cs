namespace Portolan.Core.Addresses;

/// <summary>
/// The free addresses of one range, as intervals: the lowest free one is found in logarithmic time however full the range is.
/// Where .0 and .255 are avoided the intervals run over the usable addresses only, numbered without gaps, so that a run of
/// avoided addresses never has to be stepped over.
/// </summary>
internal sealed class FreeAddresses
{
    private const int UsablePer24 = 254;
    private readonly SortedSet<Interval> _intervals = [];
    private readonly IpRange _range;
    private readonly bool _skipsBuggy;
    private readonly UInt128 _firstNumber;

    public FreeAddresses(IpRange range, bool avoidBuggy)
    {
        _range = range;
        _skipsBuggy = avoidBuggy && range.Family is IpFamily.IPv4;
        _firstNumber = Number(Clamp(range.First.Value, up: true));
        var last = _skipsBuggy ? Clamp(range.Last.Value, up: false) : range.Last.Value;
        if (_skipsBuggy && last < Clamp(range.First.Value, up: true))
            return;
        var end = Number(last);
        Capacity = end == UInt128.MaxValue && _firstNumber == 0 ? UInt128.MaxValue : end - _firstNumber + 1;
        _intervals.Add(new Interval(_firstNumber, end));
    }

    /// <summary>How many addresses can be given out in all.</summary>
    public UInt128 Capacity { get; }

    public IpRange Range => _range;

    public bool IsEmpty => _intervals.Count == 0;

    /// <summary>The lowest free address, if there is one.</summary>
    public bool TryFirst(out IpAddress address)
    {
        address = default;
        if (_intervals.Count == 0)
            return false;
        address = IpAddress.Of(_range.Family, Value(_intervals.Min.Start));
        return true;
    }

    /// <summary>Takes a free address out.</summary>
    public void Take(IpAddress address)
    {
        var number = Number(address.Value);

        // Mostly it is the lowest.
        var interval = _intervals.Min;
        if ((_intervals.Count == 0 || interval.Start != number) && (!TryFloor(number, out interval) || interval.End < number))
            throw new InvalidOperationException($"{address} is not free");
        _intervals.Remove(interval);
        if (interval.Start < number)
            _intervals.Add(new Interval(interval.Start, number - 1));
        if (number < interval.End)
            _intervals.Add(new Interval(number + 1, interval.End));
    }

    /// <summary>Puts a taken address back, joining it with its free neighbours.</summary>
    public void Return(IpAddress address)
    {
        var number = Number(address.Value);
        var (start, end) = (number, number);
        if (TryFloor(number, out var below))
        {
            if (below.End >= number)
                throw new InvalidOperationException($"{address} is free already");
            if (below.End == number - 1)
            {
                _intervals.Remove(below);
                start = below.Start;
            }
        }

        if (number < UInt128.MaxValue && _intervals.TryGetValue(new Interval(number + 1, default), out var above))
        {
            _intervals.Remove(above);
            end = above.End;
        }

        _intervals.Add(new Interval(start, end));
    }

    // The interval with the highest start that is not above the number.
    private bool TryFloor(UInt128 number, out Interval interval)
    {
        interval = default;
        var view = _intervals.GetViewBetween(default, new Interval(number, default));
        if (view.Max is var found && found == default && !_intervals.Contains(default))
            return false;
        interval = found;
        return true;
    }

    private UInt128 Clamp(UInt128 value, bool up)
    {
        if (!_skipsBuggy)
            return value;
        while ((byte)value is 0 or 255)
        {
            if (up ? value == uint.MaxValue : value == 0)
                return up ? UInt128.MaxValue : 0;
            value = up ? value + 1 : value - 1;
        }

        return value;
    }

    private UInt128 Number(UInt128 value) => _skipsBuggy ? ((value >> 8) * UsablePer24) + ((value & 0xff) - 1) : value;

    private UInt128 Value(UInt128 number) => _skipsBuggy ? ((number / UsablePer24) << 8) | ((number % UsablePer24) + 1) : number;

    private readonly record struct Interval(UInt128 Start, UInt128 End) : IComparable<Interval>
    {
        public int CompareTo(Interval other) => Start.CompareTo(other.Start);
    }
}
