using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Portolan.Kubernetes.Client;

namespace Portolan.Tests.Controller;

/// <summary>An API server that answers each request with the next of its prepared answers and remembers what it was asked.</summary>
internal sealed class FakeApi : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Queue<(int Status, string Body)> _answers = new();

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

    public static async Task<FakeApi> StartAsync(params (int Status, string Body)[] answers)
    {
        var api = new FakeApi();
        foreach (var answer in answers)
            api._answers.Enqueue(answer);
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
        lock (_answers)
        {
            Requests.Add($"{context.Request.Method} {context.Request.Path} {body}".Trim());
            answer = _answers.Count > 0 ? _answers.Dequeue() : (500, """{"kind":"Status","message":"no answer was prepared"}""");
        }

        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(answer.Body));
    }
}
