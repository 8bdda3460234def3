using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>An IP address without zone.</summary>
internal sealed record AddressValue(IPAddress Address) : ILibraryValue
{
    public static CelType CelType { get; } = CelType.Opaque("net.IP");

    public CelType Type => CelType;

    public byte[] Bytes => Address.GetAddressBytes();
}

/// <summary>An address and a prefix length; bits behind the prefix are kept.</summary>
internal sealed record PrefixValue(IPAddress Address, int Length) : ILibraryValue
{
    public static CelType CelType { get; } = CelType.Opaque("net.CIDR");

    public CelType Type => CelType;

    public PrefixValue Masked()
    {
        var bytes = Address.GetAddressBytes();
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] &= (byte)(0xff << Math.Clamp(8 - (Length - (i * 8)), 0, 8));
        return new PrefixValue(new IPAddress(bytes), Length);
    }

    public bool Holds(IPAddress address) =>
        address.AddressFamily == Address.AddressFamily && new PrefixValue(address, Length).Masked().Address.Equals(Masked().Address);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Address}/{Length}");
}

/// <summary>Kubernetes' IP and CIDR libraries.</summary>
internal static class AddressFunctions
{
    public static void AddTo(FunctionLibrary to)
    {
        var (address, prefix, text) = (AddressValue.CelType, PrefixValue.CelType, CelType.String);
        to.Function("isIP", CelType.Bool, CallCost.ReadFirst, static x => Address((string)x[0]) is not null, text);
        to.Function("ip", address, CallCost.ReadFirst, static x => Address((string)x[0]) ?? NoAddress(x[0]), text);
        to.Function("ip.isCanonical", CelType.Bool, CallCost.ReadFirstTwice, static x => Address((string)x[0]) is AddressValue parsed ? parsed.Address.ToString() == (string)x[0] : NoAddress(x[0]), text);
        to.Function("string", text, CallCost.One, static x => ((AddressValue)x[0]).Address.ToString(), address);
        to.Member("family", CelType.Int, CallCost.One, static x => ((AddressValue)x[0]).Address.AddressFamily == AddressFamily.InterNetwork ? 4L : 6L, address);
        to.Member("isUnspecified", CelType.Bool, CallCost.One, static x => ((AddressValue)x[0]).Bytes.All(b => b == 0), address);
        to.Member("isLoopback", CelType.Bool, CallCost.One, static x => IPAddress.IsLoopback(((AddressValue)x[0]).Address), address);
        to.Member("isLinkLocalMulticast", CelType.Bool, CallCost.One, static x => ((AddressValue)x[0]).Bytes is [224, 0, 0, _] or [0xff, 0x02 or 0x12 or 0x22 or 0x32 or 0x42 or 0x52 or 0x62 or 0x72 or 0x82 or 0x92 or 0xa2 or 0xb2 or 0xc2 or 0xd2 or 0xe2 or 0xf2, _, _, _, ..], address);
        to.Member("isLinkLocalUnicast", CelType.Bool, CallCost.One, static x => IsLinkLocal(((AddressValue)x[0]).Bytes), address);
        to.Member("isGlobalUnicast", CelType.Bool, CallCost.One, static x => IsGlobal((AddressValue)x[0]), address);

        to.Function("isCIDR", CelType.Bool, CallCost.ReadFirst, static x => Prefix((string)x[0]) is not null, text);
        to.Function("cidr", prefix, CallCost.ReadFirst, static x => Prefix((string)x[0]) ?? NoPrefix(x[0]), text);
        to.Function("string", text, CallCost.One, static x => x[0].ToString()!, prefix);
        to.Member("ip", address, CallCost.One, static x => new AddressValue(((PrefixValue)x[0]).Address), prefix);
        to.Member("prefixLength", CelType.Int, CallCost.One, static x => (long)((PrefixValue)x[0]).Length, prefix);
        to.Member("masked", prefix, CallCost.One, static x => ((PrefixValue)x[0]).Masked(), prefix);
        to.Member("containsIP", CelType.Bool, CallCost.ComparePrefix, static x => ((PrefixValue)x[0]).Holds(((AddressValue)x[1]).Address), prefix, address);
        to.Member("containsIP", CelType.Bool, CallCost.ParseAndComparePrefix, static x => Address((string)x[1]) is AddressValue other ? ((PrefixValue)x[0]).Holds(other.Address) : NoAddress(x[1]), prefix, text);
        to.Member("containsCIDR", CelType.Bool, CallCost.ParseAndComparePrefix, static x => Holds((PrefixValue)x[0], (PrefixValue)x[1]), prefix, prefix);
        to.Member("containsCIDR", CelType.Bool, CallCost.ParseAndComparePrefix, static x => Prefix((string)x[1]) is PrefixValue other ? Holds((PrefixValue)x[0], other) : NoPrefix(x[1]), prefix, text);
    }

    private static bool Holds(PrefixValue outer, PrefixValue inner) => inner.Length >= outer.Length && outer.Holds(inner.Address);

    // An IPv4 address in IPv6's clothes is refused: it is neither.
    private static object? Address(string text) => ValueRules.TryAddress(text, out var address) && !address.IsIPv4MappedToIPv6 ? new AddressValue(address) : null;

    private static object? Prefix(string text)
    {
        var slash = text.LastIndexOf('/');
        if (slash < 0 || Address(text[..slash]) is not AddressValue address)
            return null;
        var length = text.AsSpan(slash + 1);
        return length.Length is >= 1 and <= 3 && (length[0] != '0' || length.Length == 1) && int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var bits) && bits <= address.Bytes.Length * 8
            ? new PrefixValue(address.Address, bits)
            : null;
    }

    private static CelError NoAddress(object text) => new($"IP Address '{text}' parse error during conversion from string");

    private static CelError NoPrefix(object text) => new($"network address parse error during conversion from string: {text}");

    private static bool IsLinkLocal(byte[] bytes) => bytes is [169, 254, _, _] || (bytes.Length == 16 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);

    private static bool IsGlobal(AddressValue value)
    {
        var bytes = value.Bytes;
        var multicast = bytes.Length == 4 ? bytes[0] is >= 224 and <= 239 : bytes[0] == 0xff;
        return !multicast && !IsLinkLocal(bytes) && !IPAddress.IsLoopback(value.Address) && !bytes.All(b => b == 0) && bytes is not [255, 255, 255, 255];
    }
}
