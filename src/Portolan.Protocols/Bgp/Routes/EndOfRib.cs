using System.Buffers.Binary;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Routes;

/// <summary>Says that all routes of a family have been sent once (RFC 4724 §2): an UPDATE without any.</summary>
public static class EndOfRib
{
    /// <summary>How many bytes at most.</summary>
    public const int MaxSize = UpdateFrame.AttributesAt + 6;

    /// <summary>Writes the message.</summary>
    /// <param name="destination">At least <see cref="MaxSize"/> bytes.</param>
    /// <param name="family">Which family.</param>
    /// <returns>How many bytes: 23 for IPv4, 29 for IPv6.</returns>
    public static int WriteTo(Span<byte> destination, BgpFamily family)
    {
        // No withdrawn routes, no attributes.
        destination[UpdateFrame.WithdrawnAt..UpdateFrame.AttributesAt].Clear();
        var size = UpdateFrame.AttributesAt;
        if (family is not BgpFamily.IPv4Unicast)
        {
            size += AttributeEncoding.WriteHeader(destination[size..], AttributeEncoding.Optional, AttributeEncoding.MpUnreach, UpdateFrame.FamilySize);
            size += UpdateFrame.WriteFamily(destination[size..], family);
            BinaryPrimitives.WriteUInt16BigEndian(destination[(UpdateFrame.AttributesAt - 2)..], (ushort)(size - UpdateFrame.AttributesAt));
        }

        UpdateFrame.WriteHeader(destination, size);
        return size;
    }
}
