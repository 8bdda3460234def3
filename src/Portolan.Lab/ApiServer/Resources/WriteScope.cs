using Portolan.Lab.ApiServer.Admission;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>What the steps of one write share: its options, its findings, and what to let go of when it is over.</summary>
internal sealed class WriteScope : IDisposable
{
    private readonly List<Action> _releases = [];

    /// <summary>Do everything but store.</summary>
    public bool DryRun { get; init; }

    /// <summary>Who writes; null: the server itself.</summary>
    public Caller? By { get; init; }

    public List<FieldError> Errors { get; } = [];

    /// <summary>Run when the write is over, committed or not.</summary>
    public void Afterwards(Action release) => _releases.Add(release);

    public void Dispose()
    {
        foreach (var release in _releases) release();
        _releases.Clear();
    }
}
