using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Portolan.Lab.Pki;

namespace Portolan.Lab.Tests.Webhooks;

/// <summary>A webhook that listens on loopback with a certificate of its own authority; what it was asked is kept, what it answers the test says.</summary>
internal sealed class WebhookServer : IAsyncDisposable
{
    private readonly CertificateAuthority _authority = new("webhook-ca", DateTimeOffset.UtcNow);
    private readonly WebApplication _app;

    private WebhookServer(Func<CertificateAuthority, Credential> certificate)
    {
        var issued = certificate(_authority);
        using var pem = X509Certificate2.CreateFromPem(issued.CertificatePem, issued.KeyPem);
        var serving = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false"]);
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            listen.UseHttps(serving);
        }));
        _app = builder.Build();
        _app.Run(HandleAsync);
    }

    /// <summary>Every request it got, in the order they came.</summary>
    public ConcurrentQueue<JsonObject> Requests { get; } = new();

    /// <summary>Makes an answer's <c>response</c> from a review's <c>request</c>; null: closes the connection without one. Lets everything pass at first.</summary>
    public Func<JsonObject, Task<JsonObject?>> Answer { get; set; } = _ => Task.FromResult<JsonObject?>(new() { ["allowed"] = true });

    /// <summary>Answers with bytes as they are, instead.</summary>
    public Func<HttpContext, Task>? Raw { get; set; }

    public string CaBundle => Convert.ToBase64String(Encoding.ASCII.GetBytes(_authority.Credential.CertificatePem));

    public int Port => new Uri(_app.Urls.Single()).Port;

    /// <param name="certificate">Signed by the server's own authority; for 127.0.0.1 when null.</param>
    public static async Task<WebhookServer> StartAsync(Func<CertificateAuthority, Credential>? certificate = null)
    {
        var server = new WebhookServer(certificate ?? (authority => authority.Issue("webhook", addresses: [IPAddress.Loopback])));
        await server._app.StartAsync();
        return server;
    }

    public static WebhookServerAnswer Deny(string message, int? code = null, string? reason = null) => new(message, code, reason);

    /// <summary>Answers every request so from now on.</summary>
    public void AnswerWith(JsonObject response) => Answer = _ => Task.FromResult<JsonObject?>((JsonObject)response.DeepClone());

    public static string Patch(string operations) => Convert.ToBase64String(Encoding.UTF8.GetBytes(operations));

    private async Task HandleAsync(HttpContext context)
    {
        var review = (JsonObject)(await JsonNode.ParseAsync(context.Request.Body))!;
        var request = (JsonObject)review["request"]!;
        request["path"] = context.Request.Path + context.Request.QueryString;
        request["host"] = context.Request.Host.ToString();
        Requests.Enqueue(request);
        if (Raw is { } raw)
        {
            await raw(context);
            return;
        }

        if (await Answer(request) is not { } response)
        {
            context.Abort();
            return;
        }

        response["uid"] ??= request["uid"]!.DeepClone();
        var answer = new JsonObject { ["apiVersion"] = review["apiVersion"]!.DeepClone(), ["kind"] = review["kind"]!.DeepClone(), ["response"] = response };
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer.ToJsonString());
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _authority.Dispose();
    }
}

/// <summary>A denial.</summary>
internal sealed record WebhookServerAnswer(string Message, int? Code, string? Reason)
{
    public static implicit operator JsonObject(WebhookServerAnswer denial)
    {
        var status = new JsonObject { ["message"] = denial.Message };
        if (denial.Code is { } code) status["code"] = code;
        if (denial.Reason is { } reason) status["reason"] = reason;
        return new() { ["allowed"] = false, ["status"] = status };
    }
}
