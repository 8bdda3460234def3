using System.Buffers;
using System.Text;
using System.Text.Json;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Kubernetes.Tests.Client;

public sealed class ListPageTests
{
    [Theory]
    [InlineData("""{"kind":"NamespaceList","metadata":{"resourceVersion":"7","continue":"abc"},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}""")]
    [InlineData("""{"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}],"more":[{"items":[]}],"metadata":{"continue":"abc","resourceVersion":"7","remainingItemCount":3}}""")]
    public void ReadsObjectsAndWhereToGoOn_InWhateverOrderTheyCome(string json)
    {
        for (var size = 1; size <= json.Length; size *= 3)
        {
            var page = ListPage.Parse(InPieces(json, size), Kinds.Namespaces.Json);
            Assert.Equal(["a", "b"], page.Items.Select(item => item.Metadata.Name));
            Assert.Equal(("7", "abc"), (page.ResourceVersion, page.Continue));
        }
    }

    [Theory]
    [InlineData("""{"items":null,"metadata":{}}""")]
    [InlineData("""{"kind":"List"}""")]
    public void IsEmpty_WhenThereIsNothing(string json) => Assert.Empty(ListPage.Parse(InPieces(json, 4), Kinds.Namespaces.Json).Items);

    [Theory]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData("""{"items":[{"metadata":{"name":"a"}}""")]
    [InlineData("""{"items":[null]}""")]
    public void RefusesWhatIsNoWholeList(string json) => Assert.ThrowsAny<JsonException>(() => ListPage.Parse(InPieces(json, 5), Kinds.Namespaces.Json));

    [Fact]
    public void TellsWhoWrote_AndDoesNotSendItBack()
    {
        const string json = """{"metadata":{"name":"a","managedFields":[{"manager":"kubectl","operation":"Update","subresource":"status","time":"2026-01-01T00:00:00Z","fieldsV1":{"f:status":{}}}]}}""";
        var read = JsonSerializer.Deserialize(json, Kinds.Services.Json)!;
        Assert.Equal(("kubectl", "status"), (read.Metadata.ManagedFields![0].Manager, read.Metadata.ManagedFields[0].Subresource));
        Assert.DoesNotContain("managedFields", JsonSerializer.Serialize(read, Kinds.Services.Json), StringComparison.Ordinal);
    }

    private static ReadOnlySequence<byte> InPieces(string text, int size)
    {
        Piece? first = null, last = null;
        foreach (var part in Encoding.UTF8.GetBytes(text).Chunk(size))
        {
            last = new Piece(part, last);
            first ??= last;
        }

        return first is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(byte[] bytes, Piece? before)
        {
            Memory = bytes;
            if (before is null)
                return;
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
