using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Kubernetes.Tests.Watching;

public sealed class WatchStreamTests
{
    [Theory]
    [InlineData("""{"type":"MODIFIED","object":{"metadata":{"name":"a","resourceVersion":"7"}}}""")]
    [InlineData("""{"object":{"metadata":{"resourceVersion":"7","name":"a"},"unknown":[{"type":"x"}]},"type":"MODIFIED"}""")]
    public void ReadsAnEventInWhateverOrderItsFieldsCome(string line)
    {
        var e = WatchStream.Parse(Sequence(line), Kinds.Namespaces);
        Assert.Equal(ChangeKind.Modified, e!.Value.Kind);
        Assert.Equal("a", e.Value.Object!.Metadata.Name);
        Assert.Equal("7", e.Value.ResourceVersion);
    }

    [Fact]
    public void ABookmarkOnlyMovesTheResourceVersion()
    {
        var e = WatchStream.Parse(Sequence("""{"type":"BOOKMARK","object":{"kind":"Namespace","metadata":{"resourceVersion":"12"}}}"""), Kinds.Namespaces);
        Assert.Equal(new WatchEvent<Namespace>(ChangeKind.Synced, null, "12"), e);
    }

    [Fact]
    public void AnErrorIsThrownAsTheServerPutIt()
    {
        var error = Assert.Throws<KubeApiException>(() =>
            WatchStream.Parse(Sequence("""{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old resource version"}}"""), Kinds.Namespaces));
        Assert.True(error.IsExpired);
        Assert.Equal(HttpStatusCode.Gone, error.StatusCode);
        Assert.Equal("too old resource version", error.Message);
    }

    [Fact]
    public async Task SplitsLinesHoweverTheyArrive()
    {
        var pipe = new Pipe();
        var lines = ReadAsync(pipe.Reader);
        foreach (var part in new[] { "one\ntw", "o", "\n\nthree\n", "cut off" })
        {
            await pipe.Writer.WriteAsync(Encoding.UTF8.GetBytes(part), TestContext.Current.CancellationToken);
            await Task.Yield();
        }

        await pipe.Writer.CompleteAsync();
        Assert.Equal(["one", "two", "three"], await lines);
    }

    private static async Task<List<string>> ReadAsync(PipeReader reader)
    {
        var lines = new List<string>();
        await foreach (var line in WatchStream.LinesAsync(reader, TestContext.Current.CancellationToken))
            lines.Add(Encoding.UTF8.GetString(line));
        return lines;
    }

    private static ReadOnlySequence<byte> Sequence(string text) => new(Encoding.UTF8.GetBytes(text));
}
