using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>Watches: a stream of <c>{"type":…,"object":…}</c> lines, each sent as soon as it is there.</summary>
internal sealed class WatchRequests(ServerContext server, ObjectReplies replies, CancellationToken stopping)
{
    private static readonly TimeSpan BookmarkEvery = TimeSpan.FromMinutes(1);

    // Like a real server, end a watch after a while even when the client sets no limit: a random time, so that they do not all come back at once.
    private static TimeSpan DefaultTimeout => TimeSpan.FromSeconds(1800 + Random.Shared.Next(1800));

    public async Task WatchAsync(HttpContext context, Target target, IReadOnlyDictionary<string, string> query)
    {
        var labels = LabelSelector.Parse(query.GetValueOrDefault("labelSelector"));
        var fields = FieldSelector.Parse(query.GetValueOrDefault("fieldSelector"), target.Kind, target.Storage);
        if (query.TryGetValue("sendInitialEvents", out _))
            throw ApiErrors.Invalid("meta.k8s.io", "ListOptions", "", [new("sendInitialEvents", FieldErrorReason.FieldValueForbidden,
                "Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled")]);
        var accept = Accept.Of(context.Request);
        var after = ParseRevision(query.GetValueOrDefault("resourceVersion"));
        var timeout = query.TryGetValue("timeoutSeconds", out var t) && int.TryParse(t, out var seconds) && seconds > 0 ? TimeSpan.FromSeconds(seconds) : DefaultTimeout;
        using var subscription = server.Store.Subscribe(target.Storage, target.Namespace, after);

        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-cache, private";
        var stream = new Stream(context.Response.BodyWriter, replies, target, accept, ObjectReplies.IncludeObject(context));
        if (subscription is null)
        {
            stream.Error(ApiErrors.Expired($"too old resource version: {after} ({server.Store.Revision})"));
            await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
            return;
        }

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        // The client counts its own time from sending; ours must not be the shorter one by much.
        ending.CancelAfter(timeout);
        try
        {
            await RunAsync(subscription, stream, labels, fields, query.GetValueOrDefault("allowWatchBookmarks") == "true", ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // Time is up, the client left or the server stops: a watch ends quietly.
        }
        catch (WatcherTooSlowException)
        {
            // The stream ends here; the client resumes from the last event it got.
        }
    }

    private async Task RunAsync(Subscription subscription, Stream stream, LabelSelector labels, FieldSelector fields, bool bookmarks, CancellationToken ending)
    {
        bool Matches(StoredObject? obj) => obj is not null && (fields.IsEmpty || fields.Matches(obj)) && (labels.IsEmpty || labels.Matches(obj.Labels));
        foreach (var obj in subscription.Initial)
            if (Matches(obj))
            {
                stream.Event("ADDED"u8, obj);
                await stream.FlushIfLargeAsync(ending);
            }

        foreach (var e in subscription.Missed)
        {
            Send(e);
            await stream.FlushIfLargeAsync(ending);
        }

        // Also when there is nothing yet: the client waits for the headers.
        await stream.FlushAsync(ending);
        var waiting = subscription.Events.WaitToReadAsync(ending).AsTask();
        while (true)
        {
            if (bookmarks && !waiting.IsCompleted)
            {
                using var timer = CancellationTokenSource.CreateLinkedTokenSource(ending);
                if (await Task.WhenAny(waiting, Task.Delay(BookmarkEvery, server.Clock, timer.Token)) != waiting)
                {
                    ending.ThrowIfCancellationRequested();
                    if (server.Store.CaughtUp(subscription) is { } revision)
                    {
                        stream.Bookmark(revision);
                        await stream.FlushAsync(ending);
                    }

                    continue;
                }

                await timer.CancelAsync();
            }

            if (!await waiting) return;
            while (subscription.Events.TryRead(out var e))
            {
                Send(e);
                await stream.FlushIfLargeAsync(ending);
            }

            await stream.FlushAsync(ending);
            waiting = subscription.Events.WaitToReadAsync(ending).AsTask();
        }

        void Send(in WatchEvent e)
        {
            var (before, now) = (Matches(e.Old), !e.Deleted && Matches(e.New));
            if (now) stream.Event(before ? "MODIFIED"u8 : "ADDED"u8, e.New);
            // An object that leaves what a selector selects is deleted in this watch's eyes, in its last state that matched.
            else if (before) stream.Event("DELETED"u8, e.Deleted ? e.New : e.Old!.AtRevision(e.Revision));
        }
    }

    private static long? ParseRevision(string? text)
    {
        if (string.IsNullOrEmpty(text) || text == "0") return null;
        if (long.TryParse(text, out var revision) && revision > 0) return revision;
        throw ApiErrors.BadRequest($"resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax");
    }

    /// <summary>The lines of one watch.</summary>
    private sealed class Stream(PipeWriter body, ObjectReplies replies, Target target, Accept accept, string include)
    {
        private const int Large = 64 * 1024;
        private bool _columnsSent;

        public void Event(ReadOnlySpan<byte> type, StoredObject obj)
        {
            Begin(type);
            replies.WriteEventObject(body, target, obj, accept, include, !_columnsSent);
            _columnsSent = true;
            body.Write("}\n"u8);
        }

        public void Bookmark(long revision)
        {
            Begin("BOOKMARK"u8);
            body.Write(ObjectReplies.Bookmark(target, accept, revision));
            body.Write("}\n"u8);
        }

        public void Error(ApiException error)
        {
            Begin("ERROR"u8);
            body.Write(JsonText.ToBytes(error.ToStatus()));
            body.Write("}\n"u8);
        }

        public ValueTask<FlushResult> FlushAsync(CancellationToken cancellation) => body.FlushAsync(cancellation);

        public async ValueTask FlushIfLargeAsync(CancellationToken cancellation)
        {
            if (body.UnflushedBytes > Large) await body.FlushAsync(cancellation);
        }

        private void Begin(ReadOnlySpan<byte> type)
        {
            body.Write("{\"type\":\""u8);
            body.Write(type);
            body.Write("\",\"object\":"u8);
        }
    }
}
