using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Portolan.Kubernetes.Client;

namespace Portolan.Tests.Controller;

/// <summary>An API server that answers each request as prepared and remembers what it was asked.</summary>
internal sealed class FakeApi : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _gate = new();
    private Func<string, (int Status, string Body)> _answer = _ => (500, """{"kind":"Status","message":"no answer was prepared"}""");

    private FakeApi()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    /// <summary>Method, path and body of each request.</summary>
    public List<string> Requests { get; } = [];

    public KubeClient Client { get; private set; } = null!;

    /// <summary>Answers each request with the next of these; more than that are an error.</summary>
    public static Task<FakeApi> StartAsync(params (int Status, string Body)[] answers)
    {
        var queue = new Queue<(int Status, string Body)>(answers);
        return StartAsync(_ => queue.TryDequeue(out var next) ? next : (500, """{"kind":"Status","message":"no answer was prepared"}"""));
    }

    /// <summary>Answers by method, path and body, one request at a time.</summary>
    public static async Task<FakeApi> StartAsync(Func<string, (int Status, string Body)> answer)
    {
        var api = new FakeApi { _answer = answer };
        await api._app.StartAsync();
        api.Client = new KubeClient(new ClusterConnection { Server = new Uri(api._app.Urls.Single()) });
        return api;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        (int Status, string Body) answer;
        var request = $"{context.Request.Method} {context.Request.Path} {body}".Trim();
        lock (_gate)
        {
            answer = _answer(request);
            Requests.Add(request);
        }

        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(answer.Body));
    }
}
