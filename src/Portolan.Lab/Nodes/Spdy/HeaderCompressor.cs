using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Portolan.Lab.Nodes.Spdy;

/// <summary>Writes header blocks: one zlib stream per connection, flushed after each block. It does not use the dictionary, which a zlib stream says of itself.</summary>
internal sealed class HeaderCompressor : IDisposable
{
    private readonly MemoryStream _output = new();
    private readonly ZLibStream _deflater;

    public HeaderCompressor() => _deflater = new ZLibStream(_output, CompressionLevel.Fastest, leaveOpen: true);

    public byte[] Write(IReadOnlyCollection<KeyValuePair<string, string>> headers)
    {
        _output.SetLength(0);
        WriteNumber(headers.Count);
        foreach (var (name, value) in headers)
        {
            WriteText(name.ToLowerInvariant());
            WriteText(value);
        }
        _deflater.Flush();
        return _output.ToArray();
    }

    private void WriteText(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        WriteNumber(bytes.Length);
        _deflater.Write(bytes);
    }

    private void WriteNumber(int number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        _deflater.Write(bytes);
    }

    public void Dispose()
    {
        _deflater.Dispose();
        _output.Dispose();
    }
}
