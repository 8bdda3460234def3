using System.Security.Cryptography.X509Certificates;

namespace Portolan.Controller.Webhooks;

/// <summary>The certificate that the webhook serves with now. Taken at each handshake; replacing it needs no restart.</summary>
internal sealed class ServingCertificate
{
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile X509Certificate2? _current;

    public X509Certificate2? Current => _current;

    /// <summary>Done when there is one to serve with.</summary>
    public Task Available => _first.Task;

    /// <summary>Serves with this one from the next handshake on. The one before is left to the collector: a handshake may be using it.</summary>
    public void Replace(X509Certificate2 certificate)
    {
        _current = certificate;
        _first.TrySetResult();
    }
}
