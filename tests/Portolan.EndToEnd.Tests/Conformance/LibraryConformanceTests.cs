using System.Net;
using System.Text;

using k8s;
using k8s.Autorest;
using k8s.Models;

namespace Portolan.EndToEnd.Tests.Conformance;

/// <summary>The published clients for C# and JavaScript do what programs do with them; docs/lab.md says the same.</summary>
[Collection(ConformanceCollection.Name)]
public sealed class LibraryConformanceTests(ConformanceLab fixture)
{
    private const string Pods = """
        apiVersion: v1
        kind: Pod
        metadata: {name: tool}
        spec: {containers: [{name: tool, image: ghcr.io/c1t1d0s7/network-multitool, command: [sh, -c, 'echo aboard; sleep 600']}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: web}
        spec: {containers: [{name: web, image: ghcr.io/c1t1d0s7/go-myweb, ports: [{containerPort: 8080}]}]}
        """;

    // In this order: each needs what the one before it left.
    private static readonly (string Verb, string Prints)[] _verbs =
    [
        ("create", "created 1"), ("list", "listed true"), ("watch", "watched ADDED js"), ("replace", "replaced 2"), ("patch", "patched 3"), ("delete", "deleted 404"),
        ("lease", "held by two\nstale 409"), ("logs", "said aboard"), ("exec", "said aboard"), ("port-forward", "Hello World!"),
    ];

    [Fact]
    public async Task TheJavaScriptClient_DoesWhatTheTableSays()
    {
        var modules = Path.Combine(ClientUnderTest.Fetched, "js");
        Assert.SkipUnless(Directory.Exists(Path.Combine(modules, "node_modules")), "the JavaScript client is not in artifacts/clients: eng/clients.sh fetches it");
        await TryAsync("JavaScript", "library-js", async (verb, ns) =>
        {
            var environment = new Dictionary<string, string>(fixture.Lab.Variables) { ["CLIENT_MODULES"] = modules };
            return (await Shell.RunAsync($"node tests/Portolan.EndToEnd.Tests/Conformance/client.mjs {verb} {ns}", environment)).Succeeds().Output.Trim();
        });
    }

    [Fact]
    public async Task TheCSharpClient_DoesWhatTheTableSays()
    {
        using var client = new k8s.Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigFile(fixture.Lab.Variables["KUBECONFIG"]));
        await TryAsync("C#", "library-csharp", (verb, ns) => CallAsync(client, verb, ns).WaitAsync(TimeSpan.FromSeconds(60)));
    }

    private async Task TryAsync(string library, string ns, Func<string, string, Task<string>> call)
    {
        fixture.Lab.Kubectl($"create ns {ns}").Succeeds();
        try
        {
            await Shell.EventuallyAsync(() => Task.FromResult(fixture.Lab.Kubectl($"get sa default -n {ns}")), o => o.ExitCode == 0, 30, "a service account");
            Shell.Run($"{Kubectls.Default} create -n {ns} -f - <<'MANIFEST'\n{Pods}\nMANIFEST", fixture.Lab.Variables).Succeeds();
            fixture.Lab.Kubectl($"wait -n {ns} --for=condition=Ready pod/tool pod/web --timeout=50s").Succeeds();
            var broken = new List<string>();
            foreach (var (verb, prints) in _verbs)
            {
                try
                {
                    var printed = await call(verb, ns);
                    if (printed != prints)
                        broken.Add($"{library}, {verb}: {printed}\nwhere expected: {prints}");
                }
                catch (Exception failure) when (failure is not OperationCanceledException)
                {
                    broken.Add($"{library}, {verb}: {failure}");
                }
            }

            Assert.True(broken.Count == 0, string.Join("\n\n", broken));
            ConformanceTable.Check("libraries", library, [.. _verbs.Select(v => (v.Verb, ConformanceTable.Works))]);
        }
        finally
        {
            fixture.Lab.Kubectl($"delete ns {ns} --wait=false");
        }
    }

    private static async Task<string> CallAsync(k8s.Kubernetes client, string verb, string ns)
    {
        const string Name = "js";
        var cancel = TestContext.Current.CancellationToken;
        V1ConfigMap Map(string value) => new() { Metadata = new() { Name = Name }, Data = new Dictionary<string, string> { ["a"] = value } };
        switch (verb)
        {
            case "create":
                return $"created {(await client.CoreV1.CreateNamespacedConfigMapAsync(Map("1"), ns, cancellationToken: cancel)).Data["a"]}";
            case "list":
                return $"listed {((await client.CoreV1.ListNamespacedConfigMapAsync(ns, cancellationToken: cancel)).Items.Any(item => item.Metadata.Name == Name) ? "true" : "false")}";
            case "watch":
                await foreach (var (type, item) in client.CoreV1.WatchListNamespacedConfigMapAsync(ns, fieldSelector: $"metadata.name={Name}", cancellationToken: cancel))
                    return $"watched {type.ToString().ToUpperInvariant()} {item.Metadata.Name}";
                return "";
            case "replace":
                return $"replaced {(await client.CoreV1.ReplaceNamespacedConfigMapAsync(Map("2"), Name, ns, cancellationToken: cancel)).Data["a"]}";
            case "patch":
                var patch = new V1Patch("""{"data":{"b":"3"}}""", V1Patch.PatchType.MergePatch);
                return $"patched {(await client.CoreV1.PatchNamespacedConfigMapAsync(patch, Name, ns, cancellationToken: cancel)).Data["b"]}";
            case "delete":
                await client.CoreV1.DeleteNamespacedConfigMapAsync(Name, ns, cancellationToken: cancel);
                return $"deleted {await CodeAsync(() => client.CoreV1.ReadNamespacedConfigMapAsync(Name, ns, cancellationToken: cancel))}";
            case "lease":
                var lease = await client.CoordinationV1.CreateNamespacedLeaseAsync(
                    new() { Metadata = new() { Name = Name }, Spec = new() { HolderIdentity = "one", LeaseDurationSeconds = 15, RenewTime = DateTime.UtcNow } }, ns, cancellationToken: cancel);
                lease.Spec.HolderIdentity = "two";
                var held = await client.CoordinationV1.ReplaceNamespacedLeaseAsync(lease, Name, ns, cancellationToken: cancel);
                return $"held by {held.Spec.HolderIdentity}\nstale {await CodeAsync(() => client.CoordinationV1.ReplaceNamespacedLeaseAsync(lease, Name, ns, cancellationToken: cancel))}";
            case "logs":
                await using (var log = await client.CoreV1.ReadNamespacedPodLogAsync("tool", ns, tailLines: 1, cancellationToken: cancel))
                    return $"said {(await new StreamReader(log).ReadToEndAsync(cancel)).Trim()}";
            case "exec":
                var said = "";
                await client.NamespacedPodExecAsync("tool", ns, "tool", ["echo", "aboard"], false, async (input, output, error) => said = (await new StreamReader(output).ReadToEndAsync(cancel)).Trim(), cancel);
                return $"said {said}";
            case "port-forward":
                using (var socket = await client.WebSocketNamespacedPodPortForwardAsync("web", ns, [8080], "v4.channel.k8s.io", cancellationToken: cancel))
                using (var demuxer = new StreamDemuxer(socket, StreamType.PortForward))
                {
                    demuxer.Start();
                    await using var stream = demuxer.GetStream((byte?)0, (byte?)0);
                    await stream.WriteAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.0\r\n\r\n"), cancel);
                    var answer = await new StreamReader(stream).ReadToEndAsync(cancel);
                    return answer.Split('\n').First(line => line.StartsWith("Hello", StringComparison.Ordinal));
                }
            default:
                throw new ArgumentOutOfRangeException(nameof(verb), verb, "no such verb");
        }
    }

    private static async Task<int> CodeAsync(Func<Task> call)
    {
        try
        {
            await call();
            return (int)HttpStatusCode.OK;
        }
        catch (HttpOperationException refused)
        {
            return (int)refused.Response.StatusCode;
        }
    }
}
