using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;

namespace Portolan.Lab.ApiServer.Proxying;

/// <summary>
/// Carries logs, exec, attach and forwarded ports to the node agent of the pod's node. But for logs the connection is switched to whatever protocol client
/// and agent agree on (WebSocket, SPDY/3.1); from then on the server only copies bytes.
/// </summary>
internal sealed class NodeProxy : IDisposable
{
    public const string AgentPortText = "10250";
    private static readonly string[] NotForwarded = ["Authorization", "Host", "Content-Length", "Transfer-Encoding", "Cookie", "Expect"];

    private readonly ServerContext _server;
    private readonly HttpMessageInvoker _http;

    public NodeProxy(ServerContext server, X509Certificate2 clientCertificate, X509Certificate2 authority)
    {
        _server = server;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(authority);
        _http = new(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(10),
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy, ClientCertificates = [clientCertificate] },
        });
    }

    /// <summary>Speaks to agents, as the API server.</summary>
    public HttpMessageInvoker Http => _http;

    public async Task LogAsync(HttpContext context, JsonObject pod, Dictionary<string, string> query)
    {
        var container = Container(pod, query);
        query.Remove("container");
        using var request = Request(HttpMethod.Get, pod, "containerLogs", container, QueryText(query));
        using var response = await SendAsync(request, context.RequestAborted);
        if (!response.IsSuccessStatusCode) throw await RefusalAsync(response, context.RequestAborted);
        context.Response.StatusCode = 200;
        context.Response.ContentType = "text/plain";
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
        await using var from = await response.Content.ReadAsStreamAsync(context.RequestAborted);
        await CopyAsync(from, context.Response.Body, context.RequestAborted);
    }

    public async Task StreamAsync(HttpContext context, JsonObject pod, string verb, Dictionary<string, string> query)
    {
        var upgrade = context.Features.Get<IHttpUpgradeFeature>();
        if (upgrade is not { IsUpgradableRequest: true }) throw ApiErrors.BadRequest("Upgrade request required");
        var container = verb == "portforward" ? null : Container(pod, query);
        // The command is repeated in the query: forward it as it came, but for the container, which is in the path.
        var text = string.Join('&', (context.Request.QueryString.Value ?? "").TrimStart('?').Split('&').Where(p => p.Length > 0 && !p.StartsWith("container=", StringComparison.Ordinal)));
        using var request = Request(new HttpMethod(context.Request.Method), pod, verb == "portforward" ? "portForward" : verb, container, text);
        foreach (var (name, values) in context.Request.Headers)
            if (!NotForwarded.Contains(name, StringComparer.OrdinalIgnoreCase) && !name.StartsWith(':'))
                request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        using var response = await SendAsync(request, context.RequestAborted);
        if (response.StatusCode != HttpStatusCode.SwitchingProtocols) throw await RefusalAsync(response, context.RequestAborted);
        foreach (var (name, values) in response.Headers)
            if (!name.Equals("Connection", StringComparison.OrdinalIgnoreCase))
                context.Response.Headers[name] = values.ToArray();
        await using var agent = await response.Content.ReadAsStreamAsync(context.RequestAborted);
        await using var client = await upgrade.UpgradeAsync();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var toClient = CopyAsync(agent, client, ending.Token);
        var toAgent = CopyAsync(client, agent, ending.Token);
        // Either side closing ends it: both protocols carry their own half-closes inside.
        await Task.WhenAny(toClient, toAgent);
        if (toAgent.IsCompleted && !toClient.IsCompleted)
        {
            // The client may have said all it has to say while the agent still answers, but not for ever.
            await Task.WhenAny(toClient, Task.Delay(TimeSpan.FromSeconds(1), ending.Token));
        }

        await ending.CancelAsync();
        foreach (var copy in (ReadOnlySpan<Task>)[toClient, toAgent]) _ = copy.ContinueWith(static t => t.Exception, TaskScheduler.Default);
    }

    public void Dispose() => _http.Dispose();

    private static string Container(JsonObject pod, Dictionary<string, string> query)
    {
        var name = (pod["metadata"] as JsonObject).Text("name");
        var names = new List<string>();
        foreach (var list in (ReadOnlySpan<string>)["containers", "initContainers", "ephemeralContainers"])
            names.AddRange((pod["spec"]?[list] as JsonArray ?? []).OfType<JsonObject>().Select(c => c.Text("name") ?? ""));
        if (query.TryGetValue("container", out var asked) && asked.Length > 0)
            return names.Contains(asked) ? asked : throw ApiErrors.BadRequest($"container {asked} is not valid for pod {name}");
        if (pod["spec"]?["containers"] is JsonArray { Count: 1 }) return names[0];
        throw ApiErrors.BadRequest($"a container name must be specified for pod {name}, choose one of: [{string.Join(' ', names)}]");
    }

    private HttpRequestMessage Request(HttpMethod method, JsonObject pod, string verb, string? container, string query)
    {
        var metadata = pod["metadata"] as JsonObject;
        var node = (pod["spec"] as JsonObject).Text("nodeName");
        if (string.IsNullOrEmpty(node)) throw ApiErrors.BadRequest($"pod {metadata.Text("name")} does not have a host assigned");
        var path = $"https://{Address(node)}:{AgentPortText}/{verb}/{Uri.EscapeDataString(metadata.Text("namespace")!)}/{Uri.EscapeDataString(metadata.Text("name")!)}";
        if (container is not null) path += $"/{Uri.EscapeDataString(container)}";
        return new(method, query.Length == 0 ? path : $"{path}?{query}") { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
    }

    /// <summary>A node's internal address, in brackets if need be.</summary>
    public string Address(string node)
    {
        var stored = _server.Store.Find("nodes", new("", node)) ?? throw ApiErrors.NotFound("", "nodes", node);
        var addresses = (StoredForm.Parse(stored)["status"]?["addresses"] as JsonArray ?? []).OfType<JsonObject>();
        var address = addresses.FirstOrDefault(a => a.Text("type") == "InternalIP").Text("address")
            ?? throw ApiErrors.Internal($"no preferred addresses found; known addresses: []");
        return address.Contains(':') ? $"[{address}]" : address;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        try
        {
            return await _http.SendAsync(request, cancellation);
        }
        catch (HttpRequestException e)
        {
            var why = e.InnerException?.Message ?? e.Message;
            throw ApiErrors.Internal($"error dialing backend: dial tcp {request.RequestUri!.Host}:{AgentPortText}: {why}");
        }
        catch (TaskCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw ApiErrors.Internal($"error dialing backend: dial tcp {request.RequestUri!.Host}:{AgentPortText}: {e.Message}");
        }
    }

    // What the agent refuses, it says in plain text (or already as a Status).
    private static async Task<ApiException> RefusalAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var text = (await response.Content.ReadAsStringAsync(cancellation)).Trim();
        if (text.StartsWith('{') && BodyReader.ParseJson(Encoding.UTF8.GetBytes(text)).Root is JsonObject status && status.Text("kind") == "Status")
            return new((int)response.StatusCode, status.Text("reason") ?? "", status.Text("message") ?? "");
        var code = (int)response.StatusCode;
        return code switch
        {
            400 => ApiErrors.BadRequest(text),
            404 => new(404, "NotFound", text.Length > 0 ? text : "the server could not find the requested resource"),
            _ => new(code is >= 400 and < 600 ? code : 500, "InternalError", text.Length > 0 ? text : $"the node agent answered {code}"),
        };
    }

    /// <summary>Copies as it comes, keeping nothing back.</summary>
    internal static async Task CopyAsync(Stream from, Stream to, CancellationToken cancellation)
    {
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var read = await from.ReadAsync(buffer, cancellation);
            if (read == 0) return;
            await to.WriteAsync(buffer.AsMemory(0, read), cancellation);
            await to.FlushAsync(cancellation);
        }
    }

    private static string QueryText(Dictionary<string, string> query) => string.Join('&', query.Select(p => $"{Uri.EscapeDataString(p.Key)}={Uri.EscapeDataString(p.Value)}"));
}
