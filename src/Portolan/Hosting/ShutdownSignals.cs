using System.Runtime.InteropServices;

namespace Portolan.Hosting;

/// <summary>
/// SIGTERM and SIGINT ask for an orderly stop. A second signal is left to its default action and ends the process at once,
/// so that nobody has to reach for <c>kill -9</c>.
/// </summary>
internal sealed class ShutdownSignals : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly PosixSignalRegistration[] _registrations;

    public ShutdownSignals() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
        PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
    ];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Stopping => _stopping.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _stopping.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        if (_stopping.IsCancellationRequested)
            return;
        context.Cancel = true;
        _stopping.Cancel();
    }
}
