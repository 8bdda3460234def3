using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Kubernetes.Client;

/// <summary>How a patch is merged.</summary>
public enum PatchKind
{
    /// <summary>JSON merge patch (RFC 7386).</summary>
    Merge,

    /// <summary>Kubernetes strategic merge: lists with keys are merged by key.</summary>
    StrategicMerge,

    /// <summary>Server-side apply as field manager <c>portolan</c>, conflicts forced.</summary>
    Apply,

    /// <summary>JSON patch (RFC 6902).</summary>
    Json,
}

/// <summary>A page or the whole of a collection.</summary>
/// <param name="Items">The objects.</param>
/// <param name="ResourceVersion">Where a watch continues from.</param>
/// <param name="Continue">The token of the next page, or empty.</param>
/// <typeparam name="T">The object's model.</typeparam>
public sealed record ObjectList<T>(IReadOnlyList<T> Items, string ResourceVersion, string Continue);

/// <summary>A thin client of the Kubernetes API: requests in, objects out, errors as <see cref="KubeApiException"/>.</summary>
public sealed class KubeClient : IDisposable
{
    /// <summary>The field manager our writes are recorded under.</summary>
    public const string FieldManager = "portolan";

    private static readonly StreamPipeReaderOptions ListReading = new(bufferSize: 32 << 10);
    private static readonly TimeSpan _requestTimeout = TimeSpan.FromSeconds(30);
    private readonly ClusterConnection _connection;
    private readonly Transport _transport;
    private readonly Credentials _credentials;

    /// <summary>Connects lazily: nothing is sent before the first request.</summary>
    /// <param name="connection">Where to, and who we are.</param>
    /// <param name="time">The clock by which credentials expire; null for the system's.</param>
    public KubeClient(ClusterConnection connection, TimeProvider? time = null)
    {
        _connection = connection;
        _transport = new Transport(connection);
        _credentials = new Credentials(connection, time ?? TimeProvider.System);
    }

    /// <summary>The connection this client was made with.</summary>
    public ClusterConnection Connection => _connection;

    /// <inheritdoc/>
    public void Dispose() => _transport.Dispose();

    /// <summary>Reads one object.</summary>
    /// <exception cref="KubeApiException">The server refused, or there is no such object.</exception>
    public Task<T> GetAsync<T>(ResourceType<T> type, string? ns, string name, CancellationToken ct = default)
        where T : class, IKubeObject => SendAsync(type, HttpMethod.Get, type.Path(ns, name), null, ct);

    /// <summary>Reads one object, or null where there is none.</summary>
    /// <exception cref="KubeApiException">The server refused.</exception>
    public async Task<T?> FindAsync<T>(ResourceType<T> type, string? ns, string name, CancellationToken ct = default)
        where T : class, IKubeObject
    {
        try
        {
            return await GetAsync(type, ns, name, ct).ConfigureAwait(false);
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>Reads a whole collection, page by page.</summary>
    /// <exception cref="KubeApiException">The server refused.</exception>
    public async Task<ObjectList<T>> ListAsync<T>(ResourceType<T> type, string? ns = null, string? labelSelector = null, string? fieldSelector = null, CancellationToken ct = default)
        where T : class, IKubeObject
    {
        var items = new List<T>();
        var next = "";
        while (true)
        {
            var page = await ListPageAsync(type, ns, labelSelector, fieldSelector, next, ct).ConfigureAwait(false);
            items.AddRange(page.Items);
            next = page.Continue;
            if (next.Length == 0)
                return page with { Items = items };
        }
    }

    private async Task<ObjectList<T>> ListPageAsync<T>(ResourceType<T> type, string? ns, string? labelSelector, string? fieldSelector, string next, CancellationToken ct)
        where T : class, IKubeObject
    {
        var query = Query(("limit", "500"), ("continue", next), ("labelSelector", labelSelector), ("fieldSelector", fieldSelector));
        using var timeout = Timed(ct);
        using var response = await SendRawAsync(HttpMethod.Get, type.Path(ns) + query, null, HttpCompletionOption.ResponseHeadersRead, timeout.Token).ConfigureAwait(false);
        await using var stream = await response.Content.ReadAsStreamAsync(timeout.Token).ConfigureAwait(false);
        var reader = PipeReader.Create(stream, ListReading);
        while (true)
        {
            var read = await reader.ReadAsync(timeout.Token).ConfigureAwait(false);
            if (read.IsCompleted)
            {
                var page = ListPage.Parse(read.Buffer, type.Json);
                await reader.CompleteAsync().ConfigureAwait(false);
                return page;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>Creates an object; apiVersion and kind are filled in.</summary>
    /// <exception cref="KubeApiException">The server refused, e.g. because the object exists.</exception>
    public Task<T> CreateAsync<T>(ResourceType<T> type, string? ns, T value, CancellationToken ct = default)
        where T : class, IKubeObject => SendAsync(type, HttpMethod.Post, type.Path(ns) + $"?fieldManager={FieldManager}", Body(type, value), ct);

    /// <summary>Replaces an object; a stale <c>metadata.resourceVersion</c> is a conflict.</summary>
    /// <exception cref="KubeApiException">The server refused.</exception>
    public Task<T> ReplaceAsync<T>(ResourceType<T> type, T value, string? subresource = null, CancellationToken ct = default)
        where T : class, IKubeObject =>
        SendAsync(type, HttpMethod.Put, type.Path(value.Metadata.Namespace, value.Metadata.Name, subresource) + $"?fieldManager={FieldManager}", Body(type, value), ct);

    /// <summary>Replaces the status subresource of an object.</summary>
    /// <exception cref="KubeApiException">The server refused.</exception>
    public Task<T> ReplaceStatusAsync<T>(ResourceType<T> type, T value, CancellationToken ct = default)
        where T : class, IKubeObject => ReplaceAsync(type, value, "status", ct);

    /// <summary>Patches an object or a subresource of it.</summary>
    /// <exception cref="KubeApiException">The server refused.</exception>
    public Task<T> PatchAsync<T>(ResourceType<T> type, string? ns, string name, PatchKind kind, JsonNode patch, string? subresource = null, CancellationToken ct = default)
        where T : class, IKubeObject
    {
        var force = kind is PatchKind.Apply ? "&force=true" : "";
        var content = new StringContent(patch.ToJsonString(), Encoding.UTF8);
        content.Headers.ContentType = new MediaTypeHeaderValue(kind switch
        {
            PatchKind.Merge => "application/merge-patch+json",
            PatchKind.StrategicMerge => "application/strategic-merge-patch+json",
            PatchKind.Apply => "application/apply-patch+yaml",
            _ => "application/json-patch+json",
        });
        return SendAsync(type, HttpMethod.Patch, type.Path(ns, name, subresource) + $"?fieldManager={FieldManager}{force}", content, ct);
    }

    /// <summary>Deletes an object; one that is already gone is no error.</summary>
    /// <param name="type">The kind.</param>
    /// <param name="ns">The namespace, for namespaced kinds.</param>
    /// <param name="name">The object.</param>
    /// <param name="uid">Delete only this very object, not a successor of the same name.</param>
    /// <param name="gracePeriodSeconds">0..: overrides the object's own grace period.</param>
    /// <param name="propagationPolicy"><c>Background</c>, <c>Foreground</c> or <c>Orphan</c>.</param>
    /// <param name="ct">Cancels the request.</param>
    /// <exception cref="KubeApiException">The server refused.</exception>
    public async Task DeleteAsync<T>(ResourceType<T> type, string? ns, string name, string? uid = null, int? gracePeriodSeconds = null, string? propagationPolicy = null, CancellationToken ct = default)
        where T : class, IKubeObject
    {
        var options = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "DeleteOptions" };
        if (uid is not null)
            options["preconditions"] = new JsonObject { ["uid"] = uid };
        if (gracePeriodSeconds is { } grace)
            options["gracePeriodSeconds"] = grace;
        if (propagationPolicy is not null)
            options["propagationPolicy"] = propagationPolicy;
        try
        {
            using var timeout = Timed(ct);
            using var response = await SendRawAsync(HttpMethod.Delete, type.Path(ns, name), JsonContent(options.ToJsonString()), HttpCompletionOption.ResponseContentRead, timeout.Token).ConfigureAwait(false);
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
        }
    }

    /// <summary>Sends any request and returns the JSON answer: for paths that are not a kind's.</summary>
    /// <exception cref="KubeApiException">The server refused.</exception>
    public async Task<JsonNode?> RequestAsync(HttpMethod method, string path, JsonNode? body = null, CancellationToken ct = default)
    {
        using var timeout = Timed(ct);
        using var response = await SendRawAsync(method, path.TrimStart('/'), body is null ? null : JsonContent(body.ToJsonString()), HttpCompletionOption.ResponseContentRead, timeout.Token).ConfigureAwait(false);
        var bytes = await response.Content.ReadAsByteArrayAsync(timeout.Token).ConfigureAwait(false);
        return bytes.Length == 0 ? null : JsonNode.Parse(bytes);
    }

    /// <summary>
    /// Watches a collection from a resource version on. Ends when the server ends it; bookmarks only move <see cref="WatchEvent{T}.ResourceVersion"/>.
    /// </summary>
    /// <param name="type">The kind.</param>
    /// <param name="ns">One namespace, or null for all.</param>
    /// <param name="resourceVersion">From a list or an earlier event.</param>
    /// <param name="labelSelector">Or null.</param>
    /// <param name="fieldSelector">Or null.</param>
    /// <param name="timeout">After this long the server ends the watch; half a minute later we end a silent one ourselves.</param>
    /// <param name="opened">Called when the server has accepted the watch, which may then stay silent for long.</param>
    /// <param name="ct">Ends the watch.</param>
    /// <exception cref="KubeApiException">The server refused, e.g. with <see cref="KubeApiException.IsExpired"/>.</exception>
    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(ResourceType<T> type, string? ns, string resourceVersion, string? labelSelector, string? fieldSelector, TimeSpan timeout, Action? opened = null, [EnumeratorCancellation] CancellationToken ct = default)
        where T : class, IKubeObject
    {
        var query = Query(("watch", "true"), ("allowWatchBookmarks", "true"), ("resourceVersion", resourceVersion), ("timeoutSeconds", ((int)timeout.TotalSeconds).ToString()),
            ("labelSelector", labelSelector), ("fieldSelector", fieldSelector));
        using var watchdog = CancellationTokenSource.CreateLinkedTokenSource(ct);
        watchdog.CancelAfter(timeout + TimeSpan.FromSeconds(30));
        using var response = await SendRawAsync(HttpMethod.Get, type.Path(ns) + query, null, HttpCompletionOption.ResponseHeadersRead, watchdog.Token).ConfigureAwait(false);
        opened?.Invoke();
        await using var stream = await response.Content.ReadAsStreamAsync(watchdog.Token).ConfigureAwait(false);
        var reader = PipeReader.Create(stream);
        await foreach (var line in WatchStream.LinesAsync(reader, watchdog.Token).ConfigureAwait(false))
            if (WatchStream.Parse(line, type) is { } e)
                yield return e;
    }

    private async Task<T> SendAsync<T>(ResourceType<T> type, HttpMethod method, string path, HttpContent? content, CancellationToken ct)
        where T : class, IKubeObject
    {
        using var timeout = Timed(ct);
        using var response = await SendRawAsync(method, path, content, HttpCompletionOption.ResponseContentRead, timeout.Token).ConfigureAwait(false);
        await using var stream = await response.Content.ReadAsStreamAsync(timeout.Token).ConfigureAwait(false);
        return await JsonSerializer.DeserializeAsync(stream, type.Json, timeout.Token).ConfigureAwait(false)
            ?? throw new KubeApiException(response.StatusCode, "", $"{method} {path}: the server answered with nothing");
    }

    private async Task<HttpResponseMessage> SendRawAsync(HttpMethod method, string path, HttpContent? content, HttpCompletionOption completion, CancellationToken ct)
    {
        using var owned = content;
        for (var attempt = 1; ; attempt++)
        {
            var proof = await ProofAsync(ct).ConfigureAwait(false);

            // Not disposed: that would take the content with it, which a second attempt needs. The version is said with each request, because
            // what HttpClient has as its default is not for SendAsync: one HTTP/2 connection then carries everything, and its pings find a dead server.
            var request = new HttpRequestMessage(method, path) { Content = content, Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
            request.Headers.Authorization = proof.Authorization;
            var response = await _transport.For(proof.Certificate).SendAsync(request, completion, ct).ConfigureAwait(false);
            if (response.IsSuccessStatusCode)
                return response;
            using (response)
                if (response.StatusCode is not HttpStatusCode.Unauthorized || attempt > 1 || !_credentials.Refused(proof))
                    throw await FailureAsync(response, method, path, ct).ConfigureAwait(false);
        }
    }

    private async ValueTask<Proof> ProofAsync(CancellationToken ct)
    {
        try
        {
            return await _credentials.CurrentAsync(ct).ConfigureAwait(false);
        }
        catch (KubeConfigException e)
        {
            // To whoever sends requests this is the same as a server that is away: it may be well again the next time.
            throw new HttpRequestException(e.Message, e);
        }
    }

    private static async Task<KubeApiException> FailureAsync(HttpResponseMessage response, HttpMethod method, string path, CancellationToken ct)
    {
        var body = await response.Content.ReadAsStringAsync(ct).ConfigureAwait(false);
        var (reason, message) = ("", "");
        try
        {
            using var status = JsonDocument.Parse(body);
            (reason, message) = (Text(status.RootElement, "reason"), Text(status.RootElement, "message"));
        }
        catch (JsonException)
        {
            // Proxies and load balancers answer in HTML or plain text: quote the beginning.
            message = body.Length > 200 ? body[..200] : body;
        }

        if (message.Length == 0)
            message = $"{method} {path.Split('?')[0]}: HTTP {(int)response.StatusCode} {response.ReasonPhrase}";
        return new KubeApiException(response.StatusCode, reason, message) { RetryAfter = response.Headers.RetryAfter?.Delta };
    }

    private static CancellationTokenSource Timed(CancellationToken ct)
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(ct);
        source.CancelAfter(_requestTimeout);
        return source;
    }

    private static ByteArrayContent Body<T>(ResourceType<T> type, T value)
        where T : class, IKubeObject
    {
        value.ApiVersion = type.ApiVersion;
        value.Kind = type.Kind;
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(value, type.Json));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    private static StringContent JsonContent(string json) => new(json, Encoding.UTF8, "application/json");

    private static string Query(params ReadOnlySpan<(string Name, string? Value)> parameters)
    {
        var query = new StringBuilder();
        foreach (var (name, value) in parameters)
            if (!string.IsNullOrEmpty(value))
                query.Append(query.Length == 0 ? '?' : '&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
        return query.ToString();
    }

    private static string Text(JsonElement holder, string name) =>
        holder.ValueKind is JsonValueKind.Object && holder.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";
}
