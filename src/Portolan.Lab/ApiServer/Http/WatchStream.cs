using System.Buffers;
using System.IO.Pipelines;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>The lines of one watch.</summary>
internal sealed class WatchStream(PipeWriter body, ObjectReplies replies, Target target, Accept accept, string include)
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

    public void Bookmark(long revision, bool initialEnd = false)
    {
        Begin("BOOKMARK"u8);
        body.Write(ObjectReplies.Bookmark(target, accept, revision, initialEnd));
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
