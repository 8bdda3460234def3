using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller.Webhooks;

/// <summary>
/// Keeps the webhook's Secret, the API server's trust in it and the certificate in use in step. Any number of replicas do this side by side: a write
/// names the version it is based on, and who comes second reads what the first has written.
/// </summary>
/// <remarks>
/// A change of authority goes in an order in which no call fails: the Secret first (new authority and earlier ones in one bundle), then the bundle into
/// whatever calls the webhook, and only then the new certificate into use.
/// </remarks>
internal sealed class WebhookCertificates(
    KubeClient client, string ns, string secretName, WebhookAuthority authority, TrustBundle trust, ServingCertificate serving, TimeProvider time, ILogger log)
{
    private const int MostAttempts = 5;
    private static readonly TimeSpan _pause = TimeSpan.FromMinutes(1);

    /// <summary>Runs until cancelled; a failure ends it, and it may be run again.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            await PassAsync(stop);
            await Task.Delay(_pause * (0.75 + (Random.Shared.NextDouble() / 2)), time, stop);
        }
    }

    /// <summary>One pass: afterwards all is in step, or an exception says why not.</summary>
    public async Task PassAsync(CancellationToken stop)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var secret = await client.FindAsync(Kinds.Secrets, ns, secretName, stop);
                var held = await RenewAsync(secret, stop);
                var bundle = held[WebhookAuthority.CaCertificate];

                // Somebody may have renewed it meanwhile: only what the Secret holds now is given to others.
                async Task<bool> IsCurrent() => (await client.FindAsync(Kinds.Secrets, ns, secretName, stop))?.Data?.GetValueOrDefault(WebhookAuthority.CaCertificate).AsSpan().SequenceEqual(bundle) == true;
                var trusted = await trust.GiveAsync(bundle, IsCurrent, stop);
                Use(held, trusted);
                return;
            }
            catch (KubeApiException raced) when ((raced.IsConflict || raced.IsAlreadyExists) && attempt < MostAttempts)
            {
                log.LogDebug("{Secret}: another replica was first", secretName);
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(20, 200) * attempt), stop);
            }
        }
    }

    private async Task<IReadOnlyDictionary<string, byte[]>> RenewAsync(Secret? secret, CancellationToken stop)
    {
        var held = secret?.Data ?? [];
        var wanted = authority.Renew(held, time.GetUtcNow(), out var why);
        if (why.Length == 0)
            return held;
        if (secret is null)
        {
            var made = new Secret { Metadata = new ObjectMeta { Name = secretName, Namespace = ns }, Type = "Opaque", Data = new(wanted) };
            await client.CreateAsync(Kinds.Secrets, ns, made, stop);
        }
        else
        {
            var data = new JsonObject();
            foreach (var (key, value) in wanted)
                data[key] = Convert.ToBase64String(value);
            var patch = new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = secret.Metadata.ResourceVersion }, ["data"] = data };
            await client.PatchAsync(Kinds.Secrets, ns, secretName, PatchKind.Merge, patch, ct: stop);
        }

        log.LogInformation("{Secret}: certificates renewed: {Why}", secretName, why);
        return wanted;
    }

    private void Use(IReadOnlyDictionary<string, byte[]> held, bool trusted)
    {
        if (WebhookAuthority.Serving(held) is not { } wanted)
            return;
        var current = serving.Current;
        if (current is not null && current.Thumbprint == wanted.Thumbprint)
        {
            wanted.Dispose();
        }
        else if (current is null || trusted || SameAuthority(current, wanted) || (DateTimeOffset)current.NotAfter < time.GetUtcNow().AddDays(1))
        {
            serving.Replace(wanted);
            log.LogInformation("serving the webhook with a certificate that is good until {Until:yyyy-MM-dd}", wanted.NotAfter.ToUniversalTime());
        }
        else
        {
            wanted.Dispose();
            log.LogWarning("the webhook goes on with its old certificate: the new one is not trusted yet");
        }
    }

    private static bool SameAuthority(X509Certificate2 a, X509Certificate2 b) => KeyIdentifier(a) is { } x && KeyIdentifier(b) is { } y && x.Span.SequenceEqual(y.Span);

    private static ReadOnlyMemory<byte>? KeyIdentifier(X509Certificate2 certificate) => certificate.Extensions.OfType<X509AuthorityKeyIdentifierExtension>().FirstOrDefault()?.KeyIdentifier;
}
