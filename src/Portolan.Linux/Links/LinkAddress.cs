namespace Portolan.Linux.Links;

/// <summary>A hardware address of up to 8 bytes as a value; longer ones (InfiniBand) are not kept: the default, of length 0.</summary>
public readonly record struct LinkAddress
{
    private readonly ulong _value;

    private LinkAddress(ulong value, int length) => (_value, Length) = (value, length);

    /// <summary>Bytes: 6 for Ethernet, 0 for none.</summary>
    public int Length { get; }

    /// <summary>The address in these bytes, or the default when there are more than 8.</summary>
    public static LinkAddress Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 8)
            return default;
        ulong value = 0;
        foreach (var part in bytes)
            value = value << 8 | part;
        return new LinkAddress(value, bytes.Length);
    }

    /// <summary>Writes exactly <see cref="Length"/> bytes.</summary>
    public void WriteTo(Span<byte> destination)
    {
        for (var i = 0; i < Length; i++)
            destination[i] = (byte)(_value >> (8 * (Length - 1 - i)));
    }

    /// <summary>Pairs of hexadecimal digits separated by colons.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[8];
        WriteTo(bytes);
        var pairs = new string[Length];
        for (var i = 0; i < Length; i++)
            pairs[i] = bytes[i].ToString("x2", System.Globalization.CultureInfo.InvariantCulture);
        return string.Join(':', pairs);
    }
}
