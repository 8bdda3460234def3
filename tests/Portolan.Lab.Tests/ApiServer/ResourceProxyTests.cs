using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>The <c>/proxy</c> of pods and Services; the pod's program is a web server of this test on a loopback address.</summary>
public sealed class ResourceProxyTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string PodAddress = "127.77.0.2";

    private static async Task<(WebApplication Program, int Port)> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://{PodAddress}:0");
        var app = builder.Build();
        app.Run(async http =>
        {
            http.Response.StatusCode = http.Request.Path == "/teapot" ? 418 : 200;
            http.Response.Headers["X-Pod"] = "yes";
            var body = await new StreamReader(http.Request.Body).ReadToEndAsync();
            await http.Response.WriteAsync($"{http.Request.Method} {http.Request.Path}{http.Request.QueryString} {body} {http.Request.Headers.Authorization}");
        });
        await app.StartAsync();
        return (app, new Uri(app.Urls.First()).Port);
    }

    [Fact]
    public async Task APodAnswersWhatTheApiServerWasAsked()
    {
        var (program, port) = await StartAsync();
        await using var _ = program;
        var ns = await server.NamespaceAsync();
        await server.Client.DoAsync("POST", $"{ns}/pods", $$"""{"metadata": {"name":"p"},"spec": {"containers":[{"name":"c","image":"i","ports":[{"containerPort":{{port}} }]}]} }""");
        Assert.Equal("pod p has no address yet", await server.Client.RefusedAsync(503, "GET", $"{ns}/pods/p/proxy/"));
        await server.Client.DoAsync("PATCH", $"{ns}/pods/p/status", $$"""{"status": {"podIP":"{{PodAddress}}"} }""", "application/merge-patch+json");

        Assert.Equal("GET /   ".TrimEnd(), ((string)(await server.Client.DoAsync("GET", $"{ns}/pods/p/proxy"))["text"]!).TrimEnd());
        Assert.Equal("GET /a/proxy/b/?x=1&y=2", ((string)(await server.Client.DoAsync("GET", $"{ns}/pods/http:p:{port}/proxy/a/proxy/b/?x=1&y=2"))["text"]!).TrimEnd());
        Assert.Equal("POST /a said", ((string)(await server.Client.DoAsync("POST", $"{ns}/pods/p:{port}/proxy/a", "said", "text/plain"))["text"]!).TrimEnd());
        var (code, _, reply) = await server.Client.SendAsync("GET", $"{ns}/pods/p/proxy/teapot");
        Assert.Equal(418, code);
        Assert.Equal("yes", reply.Headers.GetValues("X-Pod").Single());
        Assert.StartsWith($"error trying to reach service: dial tcp {PodAddress}:1: ", await server.Client.RefusedAsync(503, "GET", $"{ns}/pods/p:1/proxy/"));
        Assert.Equal("invalid port number \"x\"", await server.Client.RefusedAsync(400, "GET", $"{ns}/pods/p:x/proxy/"));
        Assert.Equal("pods \"q\" not found", await server.Client.RefusedAsync(404, "GET", $"{ns}/pods/q/proxy/"));
    }

    // A ready endpoint needs an address that is no loopback address: the conformance tests ask one in a lab.
    [Fact]
    public async Task AServiceWithoutReadyEndpoints_SaysSo()
    {
        var ns = await server.NamespaceAsync();
        await server.Client.DoAsync("POST", $"{ns}/services", """{"metadata":{"name":"s"},"spec":{"ports":[{"name":"web","port":80}]}}""");
        Assert.Equal("no service port \"81\" found for service \"s\"", await server.Client.RefusedAsync(503, "GET", $"{ns}/services/s:81/proxy/"));
        await server.Client.DoAsync("POST", $"/apis/discovery.k8s.io/v1/namespaces/{ns.Split('/')[4]}/endpointslices", """
            {"metadata":{"name":"s-1","labels":{"kubernetes.io/service-name":"s"}},"addressType":"IPv4","ports":[{"name":"web","port":8080}],
             "endpoints":[{"addresses":["10.233.64.77"],"conditions":{"ready":false}}]}
            """);
        foreach (var name in (string[])["s", "s:80", "s:web"])
            Assert.Equal("no endpoints available for service \"s\"", await server.Client.RefusedAsync(503, "GET", $"{ns}/services/{name}/proxy/path"));
    }
}
