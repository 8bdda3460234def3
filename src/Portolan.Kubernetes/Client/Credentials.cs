using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace Portolan.Kubernetes.Client;

/// <summary>What a request proves with who sends it.</summary>
/// <param name="Authorization">The header, or null.</param>
/// <param name="Certificate">The client certificate of the connection, or null.</param>
internal sealed record Proof(AuthenticationHeaderValue? Authorization, LoadedCertificate? Certificate);

/// <summary>
/// Keeps the proofs of a connection fresh: rotated token and certificate files are seen by their time of writing, a plugin is asked again
/// when its answer has expired or was refused. Thread-safe.
/// </summary>
internal sealed class Credentials(ClusterConnection connection, TimeProvider time)
{
    // Asked for again a little early, so that a request does not arrive with what has just expired.
    private static readonly TimeSpan _early = TimeSpan.FromSeconds(10);
    private readonly Lock _gate = new();
    private (string Token, DateTime Written) _fileToken = ("", default);
    private (LoadedCertificate? Certificate, (DateTime, DateTime) Stamp) _loaded;
    private PluginCredential? _answer;
    private Task<PluginCredential>? _asking;

    /// <exception cref="KubeConfigException">The plugin does not answer.</exception>
    public async ValueTask<Proof> CurrentAsync(CancellationToken ct)
    {
        var answer = connection.Plugin is { } plugin ? await AskAsync(plugin).WaitAsync(ct).ConfigureAwait(false) : null;
        return new Proof(Authorization(answer), answer?.Certificate ?? Certificate());
    }

    /// <summary>The server did not accept a proof.</summary>
    /// <returns>Whether another one may be had.</returns>
    public bool Refused(Proof proof)
    {
        lock (_gate)
        {
            if (connection.Plugin is not null)
            {
                if (_answer is { } answer && Equals(Authorization(answer), proof.Authorization) && answer.Certificate == proof.Certificate)
                    _answer = null;
                return true;
            }

            // A token that was replaced within the resolution of the file's time.
            var used = _fileToken.Token;
            _fileToken = ("", default);
            return connection.TokenFile is not null && FileToken() != used;
        }
    }

    private Task<PluginCredential> AskAsync(CredentialPlugin plugin)
    {
        lock (_gate)
        {
            if (_answer is { } answer && !(answer.Expires - _early <= time.GetUtcNow()))
                return Task.FromResult(answer);

            // One question at a time, whoever waits for it.
            return _asking ??= Task.Run(async () =>
            {
                try
                {
                    var fresh = await plugin.AskAsync().ConfigureAwait(false);
                    lock (_gate)
                    {
                        // An equal certificate keeps its connections.
                        if (fresh.Certificate is { } now && _answer?.Certificate is { } before && now.Certificate.Equals(before.Certificate))
                            fresh = fresh with { Certificate = before };
                        return _answer = fresh;
                    }
                }
                finally
                {
                    lock (_gate)
                        _asking = null;
                }
            });
        }
    }

    private AuthenticationHeaderValue? Authorization(PluginCredential? answer)
    {
        if (answer?.Token is { } asked)
            return new AuthenticationHeaderValue("Bearer", asked);
        if (connection.TokenFile is not null)
            lock (_gate)
                return new AuthenticationHeaderValue("Bearer", FileToken());
        if (!string.IsNullOrEmpty(connection.Token))
            return new AuthenticationHeaderValue("Bearer", connection.Token);
        return connection.BasicUser is { } user ? new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{connection.BasicPassword}"))) : null;
    }

    // Service-account tokens are rotated by replacing the file: a stat per request is cheaper than a 401.
    private string FileToken()
    {
        var written = File.GetLastWriteTimeUtc(connection.TokenFile!);
        if (written == _fileToken.Written)
            return _fileToken.Token;
        try
        {
            _fileToken = (File.ReadAllText(connection.TokenFile!).Trim(), written);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && (_fileToken.Token.Length > 0 || !string.IsNullOrEmpty(connection.Token)))
        {
            // Caught in the middle of a replacement: what we had, or the kubeconfig's own token, may still do.
            return _fileToken.Token.Length > 0 ? _fileToken.Token : connection.Token!;
        }

        return _fileToken.Token;
    }

    private LoadedCertificate? Certificate()
    {
        if (connection.ClientCertificate is not { } source)
            return null;
        lock (_gate)
        {
            var stamp = source.Stamp;
            if (_loaded.Certificate is not null && stamp == _loaded.Stamp)
                return _loaded.Certificate;
            try
            {
                _loaded = (source.Load(), stamp);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException && _loaded.Certificate is not null)
            {
                // One of the two files is replaced and the other is not yet: the next request looks again.
            }

            return _loaded.Certificate;
        }
    }
}
