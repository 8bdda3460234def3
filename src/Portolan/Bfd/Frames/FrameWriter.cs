using System.Buffers.Binary;
using System.Text;
using Portolan.Core.Addresses;

namespace Portolan.Bfd.Frames;

/// <summary>Writes the fields of a frame's body one after the other, as <see cref="FrameReader"/> reads them.</summary>
/// <param name="frame">At least <see cref="Frame.MaxSize"/> bytes.</param>
internal ref struct FrameWriter(Span<byte> frame)
{
    private readonly Span<byte> _frame = frame;
    private int _end = Frame.HeaderSize;

    public void Byte(byte value) => Next(1)[0] = value;

    public void Flag(bool value) => Byte((byte)(value ? 1 : 0));

    public void Number32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Next(4), value);

    public void Number64(long value) => BinaryPrimitives.WriteInt64BigEndian(Next(8), value);

    public void Address(IpAddress address)
    {
        Byte((byte)address.Family);
        address.WriteTo(Next(address.Size));
    }

    public void Link(string link)
    {
        Byte((byte)link.Length);
        Encoding.ASCII.GetBytes(link, Next(link.Length));
    }

    public void Name(SessionName name)
    {
        Address(name.Local);
        Address(name.Peer);
        Link(name.Link);
        Flag(name.Multihop);
    }

    public void Bytes(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Next(bytes.Length));

    /// <summary>Puts the header before it.</summary>
    /// <returns>The frame's size.</returns>
    public readonly int Finish(FrameKind kind) => Frame.Finish(_frame, kind, _end - Frame.HeaderSize);

    private Span<byte> Next(int count)
    {
        var next = _frame.Slice(_end, count);
        _end += count;
        return next;
    }
}
