namespace Portolan.Lab.ApiServer.Http;

/// <summary>Fields that a body names twice, with their paths: <c>duplicate field "spec.ports[0].port"</c>. Where a reader is, it says as it goes.</summary>
internal sealed class DuplicateFields
{
    // Enough to see what is wrong; a hostile body has hundreds of thousands.
    private const int MaxReported = 100;

    private readonly List<string> _path = [];
    private readonly List<string> _found = [];

    public IReadOnlyList<string> Found => _found;

    public void Enter(string name) => _path.Add(_path.Count == 0 ? name : "." + name);

    public void Enter(int index) => _path.Add($"[{index}]");

    public void Leave() => _path.RemoveAt(_path.Count - 1);

    public void Report(string name)
    {
        if (_found.Count < MaxReported) _found.Add($"duplicate field \"{string.Concat(_path)}{(_path.Count == 0 ? "" : ".")}{name}\"");
    }
}
