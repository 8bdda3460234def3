using Microsoft.Extensions.Logging;
using Portolan.Core.Cluster;
using Portolan.Proxy.Programmed;

namespace Portolan.Speaker.Readiness;

/// <summary>
/// Listens to this node's service proxy: to Portolan's by its socket; and only while nobody listens there, asks the health check that kube-proxy has
/// (Portolan's has the same: an older manifest may not show the speaker its socket).
/// </summary>
internal sealed class ProxyWatch
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Answer = TimeSpan.FromSeconds(1);

    private readonly Uri? _healthz;
    private readonly TimeProvider _time;
    private readonly Action<bool?> _onHealthz;
    private readonly Action _wake;
    private readonly Lock _gate = new();
    private HashSet<ObjectKey> _changed = [];
    private volatile ProxyConnection _connection;

    /// <param name="socket">The socket's path; empty: there is none.</param>
    /// <param name="healthz">The health check; null: there is none.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Told when the proxy is lost and found.</param>
    /// <param name="onConnection">Called from another thread when the socket's state changes.</param>
    /// <param name="onHealthz">Called from another thread when the health check says something else.</param>
    /// <param name="wake">Called from another thread when there is something to <see cref="TakeChanged"/>.</param>
    public ProxyWatch(string socket, Uri? healthz, TimeProvider time, ILogger log, Action<ProxyConnection> onConnection, Action<bool?> onHealthz, Action wake)
    {
        (_healthz, _time, _onHealthz, _wake) = (healthz, time, onHealthz, wake);
        Socket = socket;
        Services = new ProgrammedServices(socket, time, log)
        {
            OnConnection = connection =>
            {
                _connection = connection;
                onConnection(connection);
            },
        };
    }

    /// <summary>The socket's path, or empty.</summary>
    public string Socket { get; }

    /// <summary>What the proxy has told.</summary>
    public ProgrammedServices Services { get; }

    /// <summary>The Services of which something else is known since the last call.</summary>
    public IReadOnlyCollection<ObjectKey> TakeChanged()
    {
        lock (_gate)
        {
            if (_changed.Count == 0)
                return [];
            var changed = _changed;
            _changed = [];
            return changed;
        }
    }

    /// <summary>Follows the socket until cancelled.</summary>
    public async Task FollowSocketAsync(CancellationToken stop)
    {
        if (Socket.Length > 0)
            await Services.RunAsync(OnChanged, stop);
    }

    /// <summary>Asks the health check while it is needed, until cancelled.</summary>
    public async Task AskHealthzAsync(CancellationToken stop)
    {
        if (_healthz is null)
            return;
        using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false, MaxConnectionsPerServer = 1 };
        using var client = new HttpClient(handler) { Timeout = Answer, MaxResponseContentBufferSize = 1 << 16 };
        using var timer = new PeriodicTimer(Every, _time);
        bool? said = null;
        do
        {
            if (_connection is not ProxyConnection.Absent)
            {
                said = null;
                continue;
            }

            var says = await AskAsync(client, _healthz, stop);
            if (says == said)
                continue;
            said = says;
            _onHealthz(says);
        }
        while (await timer.WaitForNextTickAsync(stop));
    }

    private static async Task<bool?> AskAsync(HttpClient client, Uri healthz, CancellationToken stop)
    {
        try
        {
            using var answer = await client.GetAsync(healthz, HttpCompletionOption.ResponseHeadersRead, stop);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return null; // nobody, or nobody who speaks HTTP
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return false; // somebody, who does not answer
        }
    }

    private void OnChanged(ObjectKey? service)
    {
        lock (_gate)
        {
            if (service is { } key && (!_changed.Add(key) || _changed.Count > 1))
                return; // whoever added the first has woken the reader
        }

        _wake();
    }
}
