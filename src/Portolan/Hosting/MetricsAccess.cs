using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Portolan.Kubernetes.Client;

namespace Portolan.Hosting;

/// <summary>
/// Who may read the metrics: the API server says whose a token is (TokenReview) and whether that subject may <c>get</c> the
/// non-resource URL (SubjectAccessReview). Its word is kept for a short while, so that a scrape every few seconds is not two requests each.
/// </summary>
internal sealed class MetricsAccess(KubeClient client, TimeProvider time, ILogger log)
{
    private const int Remembered = 256;
    private static readonly TimeSpan AllowedFor = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan DeniedFor = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // By a digest: tokens are not kept.
    private readonly ConcurrentDictionary<string, (HttpStatusCode Verdict, long At)> _verdicts = new(StringComparer.Ordinal);

    // Whoever sends many wrong tokens must not make us send as many questions at a time: there are four places.
    private readonly Channel<bool> _questions = Channel.CreateBounded<bool>(4);

    /// <summary>200, 401 (nobody knows the token), 403 (its subject may not), or 503 (the API server cannot say).</summary>
    /// <param name="token">The bearer token, or null.</param>
    /// <param name="path">The non-resource URL.</param>
    /// <param name="stop">The request's end.</param>
    public async Task<HttpStatusCode> CheckAsync(string? token, string path, CancellationToken stop)
    {
        if (string.IsNullOrEmpty(token))
            return HttpStatusCode.Unauthorized;
        var key = $"{path} {Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token)))}";
        if (_verdicts.TryGetValue(key, out var known) && time.GetElapsedTime(known.At) < (known.Verdict is HttpStatusCode.OK ? AllowedFor : DeniedFor))
            return known.Verdict;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(Patience);
        try
        {
            await _questions.Writer.WriteAsync(true, limit.Token);
            try
            {
                var verdict = await AskAsync(token, path, limit.Token);
                if (_verdicts.Count >= Remembered)
                    _verdicts.Clear();
                _verdicts[key] = (verdict, time.GetTimestamp());
                return verdict;
            }
            finally
            {
                _questions.Reader.TryRead(out _);
            }
        }
        catch (Exception failure) when (failure is KubeApiException or HttpRequestException or IOException or OperationCanceledException or System.Text.Json.JsonException)
        {
            if (!stop.IsCancellationRequested)
                log.LogWarning("whether a scrape is allowed cannot be found out: {Reason}", failure.Message);
            return HttpStatusCode.ServiceUnavailable;
        }
    }

    private async Task<HttpStatusCode> AskAsync(string token, string path, CancellationToken stop)
    {
        var review = await ReviewAsync("authentication.k8s.io", "tokenreviews", "TokenReview", new JsonObject { ["token"] = token }, stop);
        if ((bool?)review?["authenticated"] is not true || review["user"] is not JsonObject user)
            return HttpStatusCode.Unauthorized;
        var subject = new JsonObject
        {
            ["user"] = user["username"]?.DeepClone(),
            ["uid"] = user["uid"]?.DeepClone(),
            ["groups"] = user["groups"]?.DeepClone(),
            ["extra"] = user["extra"]?.DeepClone(),
            ["nonResourceAttributes"] = new JsonObject { ["path"] = path, ["verb"] = "get" },
        };
        var access = await ReviewAsync("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview", subject, stop);
        return (bool?)access?["allowed"] is true ? HttpStatusCode.OK : HttpStatusCode.Forbidden;
    }

    private async Task<JsonNode?> ReviewAsync(string group, string plural, string kind, JsonObject spec, CancellationToken stop) =>
        (await client.RequestAsync(HttpMethod.Post, $"apis/{group}/v1/{plural}", new JsonObject { ["apiVersion"] = group + "/v1", ["kind"] = kind, ["spec"] = spec }, stop))?["status"];
}
