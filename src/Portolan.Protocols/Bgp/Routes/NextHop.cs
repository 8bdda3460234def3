using System.Buffers.Binary;
using System.Net;

namespace Portolan.Protocols.Bgp.Routes;

/// <summary>How a next hop is written. Of a link-local address alone there are three dialects, and no router understands all of them.</summary>
public enum NextHopForm : byte
{
    /// <summary>An IPv4 address, 4 bytes: for IPv4 routes (RFC 4271 §5.1.3).</summary>
    IPv4,

    /// <summary>A global IPv6 address, 16 bytes (RFC 2545 §3). For IPv4 routes too, where the peer takes them so (RFC 8950).</summary>
    Global,

    /// <summary>A global address and a link-local one, 32 bytes (RFC 2545 §3): for peers on the same link.</summary>
    GlobalAndLinkLocal,

    /// <summary>A link-local address alone, 16 bytes (draft-ietf-idr-linklocal-capability).</summary>
    LinkLocal,

    /// <summary>The link-local address in both places, 32 bytes: what FRR writes.</summary>
    LinkLocalTwice,

    /// <summary><c>::</c> and the link-local address, 32 bytes: the place of the global one is empty.</summary>
    UnspecifiedAndLinkLocal,
}

/// <summary>Where a peer is to send the packets for our routes.</summary>
public sealed record NextHop
{
    private const int IPv4Size = 4;
    private const int IPv6Size = 16;

    private readonly UInt128 _address;
    private readonly UInt128 _linkLocal;

    private NextHop(NextHopForm form, UInt128 address, UInt128 linkLocal) => (Form, _address, _linkLocal) = (form, address, linkLocal);

    /// <summary>How it is written.</summary>
    public NextHopForm Form { get; }

    /// <summary>How many bytes: 4, 16 or 32.</summary>
    public int Size => Form switch
    {
        NextHopForm.IPv4 => IPv4Size,
        NextHopForm.Global or NextHopForm.LinkLocal => IPv6Size,
        _ => 2 * IPv6Size,
    };

    /// <summary>An IPv4 address, as a number.</summary>
    public static NextHop IPv4(uint address) => new(NextHopForm.IPv4, address, default);

    /// <summary>An IPv6 address, or two.</summary>
    /// <param name="form">Any but <see cref="NextHopForm.IPv4"/>.</param>
    /// <param name="global">The global address, where the form has one.</param>
    /// <param name="linkLocal">The link-local address, where the form has one.</param>
    /// <exception cref="ArgumentException">An address that the form needs is missing, or not of fe80::/10.</exception>
    public static NextHop IPv6(NextHopForm form, UInt128 global, UInt128 linkLocal)
    {
        var hasGlobal = form is NextHopForm.Global or NextHopForm.GlobalAndLinkLocal;
        var hasLinkLocal = form is not NextHopForm.Global;
        if (form is NextHopForm.IPv4 || hasGlobal && global == UInt128.Zero || hasLinkLocal && linkLocal >> 118 != 0x3fau)
            throw new ArgumentException($"these are not the addresses of a next hop as {form}", nameof(form));
        return new NextHop(form, hasGlobal ? global : default, hasLinkLocal ? linkLocal : default);
    }

    /// <summary>The address, or both of them.</summary>
    public override string ToString() => Form switch
    {
        NextHopForm.IPv4 => $"{new IPAddress(Bytes(_address)[12..])}",
        NextHopForm.Global => $"{new IPAddress(Bytes(_address))}",
        NextHopForm.GlobalAndLinkLocal => $"{new IPAddress(Bytes(_address))} {new IPAddress(Bytes(_linkLocal))}",
        _ => $"{new IPAddress(Bytes(_linkLocal))}",
    };

    private static byte[] Bytes(UInt128 address)
    {
        var bytes = new byte[IPv6Size];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, address);
        return bytes;
    }

    /// <summary>Writes exactly <see cref="Size"/> bytes.</summary>
    public void WriteTo(Span<byte> destination)
    {
        switch (Form)
        {
            case NextHopForm.IPv4:
                BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)_address);
                break;
            case NextHopForm.LinkLocal:
                BinaryPrimitives.WriteUInt128BigEndian(destination, _linkLocal);
                break;
            case NextHopForm.Global:
                BinaryPrimitives.WriteUInt128BigEndian(destination, _address);
                break;
            default:
                BinaryPrimitives.WriteUInt128BigEndian(destination, Form is NextHopForm.LinkLocalTwice ? _linkLocal : _address);
                BinaryPrimitives.WriteUInt128BigEndian(destination[IPv6Size..], _linkLocal);
                break;
        }
    }
}
