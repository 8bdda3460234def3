using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Portolan.Lab.Nodes.Spdy;

/// <summary>
/// Reads header blocks, which are pieces of one zlib stream per connection that starts from <see cref="HeaderDictionary"/>. The platform's inflater knows no preset
/// dictionary; but a dictionary is only text that came before, so it is put in front of the data as a block that is not compressed (RFC 1951 §3.2.4), and its text skipped.
/// </summary>
internal sealed class HeaderDecompressor : IDisposable
{
    public const int LargestBlock = 64 * 1024;
    private const int MostHeaders = 256;
    private const byte PresetDictionary = 0x20;
    private readonly Feed _feed = new();
    private readonly DeflateStream _inflater;
    private readonly byte[] _text = new byte[LargestBlock + 1];
    private bool _begun;

    public HeaderDecompressor() => _inflater = new DeflateStream(_feed, CompressionMode.Decompress);

    /// <returns>False for bytes that are not a header block: the connection cannot go on, because every later block builds on this one.</returns>
    public bool TryRead(ReadOnlySpan<byte> block, out Dictionary<string, string> headers)
    {
        headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        try
        {
            if (!_begun && !TryBegin(ref block))
                return false;
            _feed.Put(block);
            var length = ReadAvailable();
            return length <= LargestBlock && TryParse(_text.AsSpan(0, length), headers);
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private bool TryBegin(ref ReadOnlySpan<byte> block)
    {
        // CMF, FLG and, when FLG says so, the checksum of the dictionary (RFC 1950 §2.2); the deflate data follows.
        if (block.Length < 2 || (block[0] & 0x0F) != 8)
            return false;
        var header = (block[1] & PresetDictionary) != 0 ? 6 : 2;
        if (block.Length < header)
            return false;
        block = block[header..];
        var dictionary = HeaderDictionary.Bytes.Span;
        Span<byte> stored = stackalloc byte[5];
        BinaryPrimitives.WriteUInt16LittleEndian(stored[1..], (ushort)dictionary.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(stored[3..], (ushort)~dictionary.Length);
        _feed.Put([.. stored, .. dictionary]);
        if (ReadAvailable() != dictionary.Length)
            return false;
        _begun = true;
        return true;
    }

    private int ReadAvailable()
    {
        var length = 0;
        while (length < _text.Length && _inflater.Read(_text, length, _text.Length - length) is > 0 and var count)
            length += count;
        return length;
    }

    /// <summary>A count, then names and values, each with its length before it (§2.6.10).</summary>
    private static bool TryParse(ReadOnlySpan<byte> text, Dictionary<string, string> headers)
    {
        if (!TryTakeNumber(ref text, out var count) || count > MostHeaders)
            return false;
        for (var i = 0; i < count; i++)
        {
            if (!TryTakeString(ref text, out var name) || !TryTakeString(ref text, out var value))
                return false;
            headers[name] = value;
        }
        return true;
    }

    private static bool TryTakeNumber(ref ReadOnlySpan<byte> text, out uint number)
    {
        number = 0;
        if (text.Length < 4)
            return false;
        number = BinaryPrimitives.ReadUInt32BigEndian(text);
        text = text[4..];
        return true;
    }

    private static bool TryTakeString(ref ReadOnlySpan<byte> text, out string value)
    {
        value = "";
        if (!TryTakeNumber(ref text, out var length) || length > text.Length)
            return false;
        value = Encoding.UTF8.GetString(text[..(int)length]);
        text = text[(int)length..];
        return true;
    }

    public void Dispose() => _inflater.Dispose();

    /// <summary>What has come so far; its end is only for now.</summary>
    private sealed class Feed : Stream
    {
        private byte[] _bytes = [];
        private int _at;

        public void Put(ReadOnlySpan<byte> bytes)
        {
            _bytes = [.. _bytes.AsSpan(_at), .. bytes];
            _at = 0;
        }

        public override int Read(Span<byte> buffer)
        {
            var count = Math.Min(buffer.Length, _bytes.Length - _at);
            _bytes.AsSpan(_at, count).CopyTo(buffer);
            _at += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
