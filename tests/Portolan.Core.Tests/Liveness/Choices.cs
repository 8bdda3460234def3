namespace Portolan.Core.Tests.Liveness;

/// <summary>
/// Goes through all ways in which things can happen: the world asks at each fork which way to take, and is run again until every combination was taken.
/// </summary>
internal sealed class Choices
{
    private readonly List<(int Taken, int Of)> _path = [];
    private int _at;

    /// <summary>How many ways were gone so far.</summary>
    public long Runs { get; private set; }

    /// <summary>A fork: 0 at first, later the others.</summary>
    public int Take(int of)
    {
        if (_at == _path.Count)
            _path.Add((0, of));
        return _path[_at++].Taken;
    }

    /// <summary>Goes back to the last fork that has a way left.</summary>
    /// <returns>False when there is none.</returns>
    public bool TryNext()
    {
        Runs++;
        _path.RemoveRange(_at, _path.Count - _at);
        while (_path.Count > 0 && _path[^1].Taken + 1 == _path[^1].Of)
            _path.RemoveAt(_path.Count - 1);
        _at = 0;
        if (_path.Count == 0)
            return false;
        _path[^1] = (_path[^1].Taken + 1, _path[^1].Of);
        return true;
    }
}
