using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;

namespace Portolan.Lab.ApiServer.Proxying;

/// <summary>The <c>/proxy</c> of pods, Services and nodes: a request to the API server that is answered by a program of the cluster.</summary>
internal sealed class ResourceProxy : IDisposable
{
    // Of the connection and not of the message (RFC 9110 §7.6.1), or the client's credentials, which are the API server's business only.
    private static readonly HashSet<string> _notForwarded = new(StringComparer.OrdinalIgnoreCase)
    {
        "Authorization", "Connection", "Content-Length", "Cookie", "Expect", "Host", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
    };

    private readonly ServerContext _server;
    private readonly NodeProxy _nodes;

#pragma warning disable CA5359 // As a real server: whoever talks TLS inside the cluster is believed to be who the address says.
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(10),
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = static (_, _, _, _) => true },
    });
#pragma warning restore CA5359

    public ResourceProxy(ServerContext server, NodeProxy nodes) => (_server, _nodes) = (server, nodes);

    /// <param name="context">The request.</param>
    /// <param name="target">Its name may have a scheme and a port with it.</param>
    /// <param name="path">What follows <c>/proxy</c>, with its slash.</param>
    public Task HandleAsync(HttpContext context, Target target, string path)
    {
        var name = ProxyName.Parse(target.Name!);
        target = target with { Name = name.Name };
        return target.Storage switch
        {
            "pods" => ForwardAsync(context, _http, name.Scheme, PodAddress(target, name.Port), path),
            "services" => ForwardAsync(context, _http, name.Scheme, EndpointAddress(target, name.Port), path),
            // A node's own port is its agent's, which wants to see the API server's certificate.
            "nodes" when name.Port is "" or NodeProxy.AgentPortText => ForwardAsync(context, _nodes.Http, "https", _nodes.Address(target.Name!) + ":" + NodeProxy.AgentPortText, path),
            "nodes" => ForwardAsync(context, _http, name.Scheme, _nodes.Address(target.Name!) + ":" + Number(name.Port), path),
            _ => throw ApiErrors.MethodNotAllowed(),
        };
    }

    public void Dispose() => _http.Dispose();

    private string PodAddress(Target target, string port)
    {
        var pod = Find(target);
        var address = (pod["status"] as JsonObject).Text("podIP");
        if (string.IsNullOrEmpty(address)) throw ApiErrors.Unavailable($"pod {target.Name} has no address yet");
        if (port.Length > 0) return Bracketed(address) + ":" + Number(port);
        var first = (pod["spec"]?["containers"] as JsonArray ?? []).OfType<JsonObject>().SelectMany(c => (c["ports"] as JsonArray ?? []).OfType<JsonObject>()).FirstOrDefault();
        return first.Whole("containerPort") is { } number ? $"{Bracketed(address)}:{number}" : Bracketed(address);
    }

    /// <summary>One of the Service's ready endpoints: the API server's host has no proxy for the Service's own address.</summary>
    private string EndpointAddress(Target target, string port)
    {
        var ports = (Find(target)["spec"]?["ports"] as JsonArray ?? []).OfType<JsonObject>().ToList();
        var wanted = port.Length == 0 && ports.Count == 1 ? ports[0] : ports.FirstOrDefault(p => p.Text("name") == port || p.Whole("port")?.ToString(CultureInfo.InvariantCulture) == port);
        if (wanted is null) throw ApiErrors.Unavailable($"no service port \"{port}\" found for service \"{target.Name}\"");
        var found = new List<string>();
        foreach (var stored in _server.Store.List("endpointslices.discovery.k8s.io", target.Namespace).Objects)
        {
            if (!stored.Labels.Any(label => label.Key == "kubernetes.io/service-name" && label.Value == target.Name)) continue;
            var slice = StoredForm.Parse(stored);
            var number = (slice["ports"] as JsonArray ?? []).OfType<JsonObject>().FirstOrDefault(p => (p.Text("name") ?? "") == (wanted.Text("name") ?? "")).Whole("port");
            if (number is null) continue;
            foreach (var endpoint in (slice["endpoints"] as JsonArray ?? []).OfType<JsonObject>())
                if (endpoint["conditions"]?["ready"] is not JsonValue ready || !ready.TryGetValue(out bool isReady) || isReady)
                    found.AddRange((endpoint["addresses"] as JsonArray ?? []).Select(a => $"{Bracketed((string?)a ?? "")}:{number}"));
        }

        return found.Count > 0 ? found[Random.Shared.Next(found.Count)] : throw ApiErrors.Unavailable($"no endpoints available for service \"{target.Name}\"");
    }

    private JsonObject Find(Target target) => StoredForm.Parse(_server.Store.Find(target.Storage, target.Key) ?? throw target.NotFound());

    private static string Bracketed(string address) => address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address;

    private static string Number(string port) =>
        ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? port : throw ApiErrors.BadRequest($"invalid port number \"{port}\"");

    private static async Task ForwardAsync(HttpContext context, HttpMessageInvoker http, string scheme, string authority, string path)
    {
        var uri = new UriBuilder($"{scheme}://{authority}") { Path = path, Query = context.Request.QueryString.Value }.Uri;
        using var request = new HttpRequestMessage(new(context.Request.Method), uri) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (context.Request.ContentLength is > 0 || context.Request.Headers.TransferEncoding.Count > 0 || (context.Request.ContentLength is null && HttpProtocol.IsHttp2(context.Request.Protocol) && context.Request.Method is not ("GET" or "HEAD")))
            request.Content = new StreamContent(context.Request.Body);
        foreach (var (name, values) in context.Request.Headers)
            if (!_notForwarded.Contains(name) && !name.StartsWith(':') && !request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        HttpResponseMessage response;
        try
        {
            response = await http.SendAsync(request, context.RequestAborted);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is TaskCanceledException && !context.RequestAborted.IsCancellationRequested))
        {
            throw ApiErrors.Unavailable($"error trying to reach service: dial tcp {uri.Authority}: {e.InnerException?.Message ?? e.Message}");
        }

        using (response)
        {
            context.Response.StatusCode = (int)response.StatusCode;
            foreach (var (name, values) in response.Headers.Concat(response.Content.Headers))
                if (!_notForwarded.Contains(name))
                    context.Response.Headers[name] = values.ToArray();
            await using var from = await response.Content.ReadAsStreamAsync(context.RequestAborted);
            await NodeProxy.CopyAsync(from, context.Response.Body, context.RequestAborted);
        }
    }
}
