using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller;

/// <summary>The key by which the speakers know each other: made once, if nobody else has made it.</summary>
internal static class MemberlistSecret
{
    public const string Key = "secretkey";
    private const int RandomBytes = 128;

    public static async Task EnsureAsync(KubeClient client, string ns, string name, ILogger log, CancellationToken stop)
    {
        if (await client.FindAsync(Kinds.Secrets, ns, name, stop) is not null)
            return;
        var text = Convert.ToBase64String(RandomNumberGenerator.GetBytes(RandomBytes));
        try
        {
            await client.CreateAsync(Kinds.Secrets, ns, new Secret
            {
                Metadata = new ObjectMeta { Name = name, Namespace = ns },
                Type = "Opaque",
                Data = new Dictionary<string, byte[]> { [Key] = Encoding.ASCII.GetBytes(text) },
            }, stop);
            log.LogInformation("made the Secret {Secret} for the speakers", name);
        }
        catch (KubeApiException raced) when (raced.IsAlreadyExists)
        {
            // Another replica was first; its key is as good.
        }
    }
}
