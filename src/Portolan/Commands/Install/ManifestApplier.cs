using System.Text.Json.Nodes;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Commands.Install;

/// <summary>Makes the cluster's objects what the manifests say, and prints a line for each as kubectl does.</summary>
internal sealed class ManifestApplier(KubeClient client, TextWriter output, TimeProvider time)
{
    private const int Attempts = 5;
    private static readonly TimeSpan KindPatience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public async Task ApplyAsync(IEnumerable<JsonObject> manifests, CancellationToken stop)
    {
        foreach (var manifest in manifests)
            await output.WriteLineAsync($"{ManifestKind.Title(manifest)} {await ApplyAsync(manifest, stop)}");
    }

    /// <summary>Waits until the server serves the kinds that definitions define.</summary>
    /// <exception cref="TimeoutException">It does not.</exception>
    public async Task EstablishAsync(IEnumerable<JsonObject> definitions, CancellationToken stop)
    {
        var started = time.GetTimestamp();
        foreach (var definition in definitions)
        {
            var (type, name) = (ManifestKind.Of(definition), (string)definition["metadata"]!["name"]!);
            while (!IsEstablished(await client.GetAsync(type, null, name, stop), out var why))
            {
                if (time.GetElapsedTime(started) > KindPatience)
                    throw new TimeoutException($"the API server does not serve {name}: {why}");
                await Task.Delay(Pause, time, stop);
            }
        }
    }

    private static bool IsEstablished(UntypedObject definition, out string why)
    {
        why = "it gives no reason";
        foreach (var condition in definition.Status?["conditions"] as JsonArray ?? [])
        {
            if ((string?)condition!["type"] == "Established" && (string?)condition["status"] == "True")
                return true;
            if ((string?)condition["status"] != "True" && (string?)condition["message"] is { Length: > 0 } message)
                why = message;
        }

        return false;
    }

    private async Task<string> ApplyAsync(JsonObject manifest, CancellationToken stop)
    {
        var type = ManifestKind.Of(manifest);
        var (ns, name) = ((string?)manifest["metadata"]!["namespace"], (string)manifest["metadata"]!["name"]!);
        var started = time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (await client.FindAsync(type, ns, name, stop) is not { } live)
                {
                    await client.CreateAsync(type, ns, new UntypedObject(ThreeWayMerge.WithRecord(manifest)), stop);
                    return "created";
                }

                if (ThreeWayMerge.Patch(manifest, live.Json) is not { } patch)
                    return "unchanged";
                var patched = await client.PatchAsync(type, ns, name, PatchKind.Merge, patch, ct: stop);
                return patched.Metadata.ResourceVersion == live.Metadata.ResourceVersion ? "unchanged" : "configured";
            }
            catch (KubeApiException raced) when ((raced.IsConflict || raced.IsAlreadyExists) && attempt < Attempts)
            {
                // Somebody else wrote in between: look again.
            }
            catch (KubeApiException early) when (early.IsNotFound && type.Group == "metallb.io" && time.GetElapsedTime(started) < KindPatience)
            {
                // Established, but not served by every path yet.
                await Task.Delay(Pause, time, stop);
            }
            catch (KubeApiException refused)
            {
                throw new KubeApiException(refused.StatusCode, refused.Reason, $"{ManifestKind.Title(manifest)}: {refused.Message}");
            }
        }
    }
}
