using Microsoft.AspNetCore.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>Watches: a stream of <c>{"type":…,"object":…}</c> lines, each sent as soon as it is there.</summary>
internal sealed class WatchRequests(ServerContext server, ObjectReplies replies, CancellationToken stopping)
{
    private static readonly TimeSpan BookmarkEvery = TimeSpan.FromMinutes(1);

    // Like a real server, end a watch after a while even when the client sets no limit: a random time, so that they do not all come back at once.
    private static TimeSpan DefaultTimeout => TimeSpan.FromSeconds(1800 + Random.Shared.Next(1800));

    /// <summary>Tells watchers now and then how far they have seen, so that a resume of a quiet one does not fall out of the history.</summary>
    public async Task SendBookmarksAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(BookmarkEvery, server.Clock);
        while (await timer.WaitForNextTickAsync(cancellation)) server.Store.OfferBookmarks();
    }

    public async Task WatchAsync(HttpContext context, Target target, IReadOnlyDictionary<string, string> query)
    {
        var options = ListOptions.Parse(query, target, watch: true);
        var accept = Accept.Of(context.Request);
        var stream = new WatchStream(context.Response.BodyWriter, replies, target, accept, ObjectReplies.IncludeObject(context));
        var current = server.Store.Revision;
        // A list in the form of a watch must not be older than the revision; a plain watch from the future waits for it.
        if (options.InitialEvents == true && options.Revision > current) throw ApiErrors.TooLargeVersion(options.Revision.Value, current);
        var after = options.InitialEvents switch { true => null, false => options.Revision ?? current, null => options.Revision };
        using var subscription = server.Store.Subscribe(new(target.Storage, target.Namespace, options.Fields.Name, options.Bookmarks), after);

        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-cache, private";
        if (subscription is null)
        {
            stream.Error(ApiErrors.Expired($"too old resource version: {after} ({current})"));
            await stream.FlushAsync(context.RequestAborted);
            return;
        }

        using var timeout = new CancellationTokenSource(options.Timeout ?? DefaultTimeout, server.Clock);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, context.RequestAborted, stopping);
        // What is queued when the time is up is still sent, and then a bookmark: the client comes back knowing all.
        await using var end = ending.Token.UnsafeRegister(_ => server.Store.End(subscription), null);
        // A client that does not read any more is not waited for.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        await using var hurry = ending.Token.UnsafeRegister(_ => patience.CancelAfter(TimeSpan.FromSeconds(5)), null);
        try
        {
            // The metadata alone is the same in every version.
            ValueTask<StoredObject> Read(StoredObject obj) =>
                accept.Form == ReplyForm.PartialMetadata ? new(obj) : server.Conversion.ReadAsync(target, obj, patience.Token);
            await RunAsync(subscription, stream, options, Read, patience.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The client left or does not read: there is nobody to be told.
        }
        catch (ApiException e)
        {
            // An object that cannot be converted: the client must not believe that it saw everything.
            stream.Error(e);
            await stream.FlushAsync(patience.Token);
        }
        catch (WatcherTooSlowException)
        {
            // The stream ends here; the client resumes from the last event it got.
        }
    }

    private static async Task RunAsync(
        Subscription subscription, WatchStream stream, ListOptions options, Func<StoredObject, ValueTask<StoredObject>> read, CancellationToken cancellation)
    {
        foreach (var obj in subscription.Initial?.Objects ?? [])
            if (options.Matches(obj))
            {
                var shown = await read(obj);
                stream.Event("ADDED"u8, shown);
                await stream.FlushIfLargeAsync(cancellation);
            }

        foreach (var e in subscription.Missed)
        {
            await SendAsync(e);
            await stream.FlushIfLargeAsync(cancellation);
        }

        if (options is { InitialEvents: true, Bookmarks: true }) stream.Bookmark(subscription.Revision, initialEnd: true);
        // Also when there is nothing yet: the client waits for the headers.
        await stream.FlushAsync(cancellation);
        // The queue is completed when the watch is to end; waiting without a token costs nothing per event.
        while (await subscription.Items.WaitToReadAsync(CancellationToken.None))
        {
            while (subscription.Items.TryRead(out var item))
            {
                if (item.Bookmark > 0) stream.Bookmark(item.Bookmark);
                else await SendAsync(item.Event);
                await stream.FlushIfLargeAsync(cancellation);
            }

            await stream.FlushAsync(cancellation);
        }

        async ValueTask SendAsync(WatchEvent e)
        {
            var before = e.Old is { } old && options.Matches(old);
            var now = !e.Deleted && options.Matches(e.New);
            if (!now && !before) return;
            // An object that leaves what a selector selects is deleted in this watch's eyes, in its last state that matched.
            var shown = await read(now || e.Deleted ? e.New : e.Old!.AtRevision(e.Revision));
            stream.Event(!now ? "DELETED"u8 : before ? "MODIFIED"u8 : "ADDED"u8, shown);
        }
    }
}
