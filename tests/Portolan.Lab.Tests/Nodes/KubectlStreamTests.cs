using System.Diagnostics;
using System.Text;

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

using Portolan.Lab.Nodes.Logs;
using Portolan.Lab.Nodes.Pods;
using Portolan.Lab.Nodes.Server;

namespace Portolan.Lab.Tests.Nodes;

/// <summary>The real kubectl against the node agent's endpoints: versions up to 1.29 speak SPDY, later ones WebSocket.</summary>
public sealed class KubectlStreamTests(ContainerFixture fixture) : IClassFixture<ContainerFixture>
{
    public static TheoryData<string> Kubectls
    {
        get
        {
            var data = new TheoryData<string>();
            // A version that knows only SPDY and one that begins with WebSocket will do: each start of kubectl takes its time.
            foreach (var name in (string[])["kubectl.1.27", "kubectl.1.33"])
                data.Add(name);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Kubectls))]
    public async Task ExecCarriesInputOutputErrorAndStatus(string name)
    {
        ContainerFixture.SkipUnlessRoot();
        var kubectl = Find(name);
        await using var running = await fixture.StartAsync(fixture.Spec("sleep", "600"));
        await using var api = await StartApiAsync(running);

        var (status, output, error) = await RunAsync(kubectl, api.Urls.First(), "one line\n", "exec", "-i", "p", "--", "sh", "-c", "cat; echo complaint >&2; exit 5");
        Assert.StartsWith("complaint\n", error);
        Assert.Equal("one line\n", output);
        Assert.Equal(5, status);

        var large = string.Concat(Enumerable.Range(0, 50_000).Select(i => $"{i:x8}"));
        (status, output, _) = await RunAsync(kubectl, api.Urls.First(), large, "exec", "-i", "p", "--", "cat");
        Assert.Equal(0, status);
        Assert.Equal(large, output);

        (status, _, error) = await RunAsync(kubectl, api.Urls.First(), "", "exec", "p", "--", "no-such-program");
        Assert.NotEqual(0, status);
        Assert.Contains("executable file not found", error);
    }

    [Theory]
    [MemberData(nameof(Kubectls))]
    public async Task AttachShowsWhatComesFromThenOn(string name)
    {
        ContainerFixture.SkipUnlessRoot();
        var kubectl = Find(name);
        var spec = fixture.Spec("sh", "-c", "read line; echo heard $line");
        await using var running = await fixture.StartAsync(spec with { Process = spec.Process with { Stdin = true } });
        await using var api = await StartApiAsync(running);
        var (status, output, error) = await RunAsync(kubectl, api.Urls.First(), "you\n", "attach", "-i", "p");
        Assert.Contains("heard you\n", output + error);
        Assert.Equal(0, status);
    }

    internal static string Find(string name)
    {
        var directories = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        var plain = directories.Select(d => Path.Combine(d, "kubectl")).FirstOrDefault(File.Exists);
        // Behind a dispatcher the versions lie beside the real file.
        var beside = plain is null ? null : Path.GetDirectoryName(File.ResolveLinkTarget(plain, returnFinalTarget: true)?.FullName ?? plain);
        var found = directories.Append(beside).Where(d => d is not null).Select(d => Path.Combine(d!, name)).FirstOrDefault(File.Exists);
        Assert.SkipUnless(found is not null, $"no {name} on this machine");
        return found!;
    }

    private async Task<(int, string, string)> RunAsync(string kubectl, string server, string input, params string[] arguments)
    {
        var cache = fixture.NewDirectory("cache");
        var start = new ProcessStartInfo(kubectl, ["--server", server, "--cache-dir", cache, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["KUBECONFIG"] = "/dev/null", ["NO_PROXY"] = "*" },
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        return (process.ExitCode, await output, await error);
    }

    /// <summary>As much of an API server as exec and attach ask for: one pod, and the way to its container.</summary>
    private async Task<WebApplication> StartApiAsync(ContainerFixture.Running running)
    {
        var log = new ContainerLog(Path.Combine(fixture.NewDirectory("log"), "0.log"), TimeProvider.System);
        var spec = fixture.Spec("sh").Process;
        var view = new ContainerView(new LiveContainer(running.Container, running.Cgroup, spec, log, ContainerFixture.LabExecutable, ""), log, null, false, null);
        var endpoints = new KubeletEndpoints((_, _, _) => view, (_, _) => null, TimeProvider.System, NullLogger.Instance);
        return await StartApiAsync(endpoints, path => path.EndsWith("/exec", StringComparison.Ordinal) || path.EndsWith("/attach", StringComparison.Ordinal) ? $"{path[path.LastIndexOf('/')..]}/default/p/c" : null);
    }

    /// <summary>One pod, and the agent behind the paths that <paramref name="agentPath"/> translates.</summary>
    internal static async Task<WebApplication> StartApiAsync(KubeletEndpoints endpoints, Func<string, string?> agentPath)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.UseWebSockets();
        app.Run(async http =>
        {
            var path = http.Request.Path.Value!;
            if (agentPath(path) is { } agents)
            {
                http.Request.Path = agents;
                await endpoints.HandleAsync(http);
                return;
            }
            var answer = path switch
            {
                "/api" => """{"kind":"APIVersions","versions":["v1"]}""",
                "/apis" => """{"kind":"APIGroupList","apiVersion":"v1","groups":[]}""",
                "/api/v1" => """{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get","list"]}]}""",
                _ when path.EndsWith("/pods/p", StringComparison.Ordinal) =>
                    """{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"default"},"spec":{"containers":[{"name":"c","image":"i","stdin":true}]},"status":{"phase":"Running"}}""",
                _ => null,
            };
            http.Response.ContentType = "application/json";
            http.Response.StatusCode = answer is null ? 404 : 200;
            await http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(answer ?? """{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}"""));
        });
        await app.StartAsync();
        return app;
    }
}
