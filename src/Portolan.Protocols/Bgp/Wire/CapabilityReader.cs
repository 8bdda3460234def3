using System.Buffers.Binary;

namespace Portolan.Protocols.Bgp.Wire;

/// <summary>
/// Gathers the capabilities of one OPEN: <c>| code (1) | length (1) | value … |</c>, time and again, in one or in several optional parameters
/// (RFC 5492 §4). Where one comes twice, the last holds (RFC 4724 §3 says so, and others leave it open); families add up.
/// </summary>
internal sealed class CapabilityReader
{
    private const int Header = 2;
    private readonly List<byte> _others = [];
    private BgpFamilies _families;
    private bool _otherFamilies;
    private bool _routeRefresh;
    private bool _enhancedRouteRefresh;
    private bool _extendedNextHop;
    private bool _extendedMessage;
    private bool _linkLocalNextHop;
    private GracefulRestart? _gracefulRestart;

    /// <summary>The AS number, or null until it has been read.</summary>
    public uint? FourOctetAsn { get; private set; }

    /// <summary>Reads an optional parameter's value.</summary>
    /// <returns>None, or what is wrong with it.</returns>
    public BgpError Read(ReadOnlySpan<byte> parameter)
    {
        while (!parameter.IsEmpty)
        {
            if (parameter.Length < Header || parameter.Length < Header + parameter[1])
                return BgpError.Open(OpenSubcode.Unspecific, "a capability is cut off", parameter[..Math.Min(parameter.Length, byte.MaxValue)].ToArray());
            var capability = parameter[..(Header + parameter[1])];
            if (!Take((CapabilityCode)capability[0], capability[Header..]))
                return BgpError.Open(OpenSubcode.Unspecific, $"capability {capability[0]} with {capability[1]} bytes", capability.ToArray());
            parameter = parameter[capability.Length..];
        }

        return BgpError.None;
    }

    /// <summary>What was read so far.</summary>
    public Capabilities ToCapabilities() => new()
    {
        Families = _families,
        OtherFamilies = _otherFamilies,
        RouteRefresh = _routeRefresh,
        EnhancedRouteRefresh = _enhancedRouteRefresh,
        ExtendedNextHop = _extendedNextHop,
        ExtendedMessage = _extendedMessage,
        FourOctetAsn = FourOctetAsn,
        GracefulRestart = _gracefulRestart,
        LinkLocalNextHop = _linkLocalNextHop,
        Others = _others,
    };

    // A capability that has no value may come with one: what it may come to mean does not take away from what it says.
    private bool Take(CapabilityCode code, ReadOnlySpan<byte> value) => code switch
    {
        CapabilityCode.Multiprotocol => TakeFamily(value),
        CapabilityCode.RouteRefresh or CapabilityCode.OldRouteRefresh => _routeRefresh = true,
        CapabilityCode.ExtendedNextHop => TakeNextHops(value),
        CapabilityCode.ExtendedMessage => _extendedMessage = true,
        CapabilityCode.GracefulRestart => TakeRestart(value),
        CapabilityCode.FourOctetAsn => TakeAsn(value),
        CapabilityCode.EnhancedRouteRefresh => _enhancedRouteRefresh = true,
        CapabilityCode.LinkLocalNextHop => _linkLocalNextHop = true,
        _ => TakeOther((byte)code),
    };

    private bool TakeFamily(ReadOnlySpan<byte> value)
    {
        if (value.Length != 4)
            return false;
        if (BgpFamilyCodes.Find(BinaryPrimitives.ReadUInt16BigEndian(value), value[3]) is { } family)
            _families |= family.ToSet();
        else
            _otherFamilies = true;
        return true;
    }

    private bool TakeNextHops(ReadOnlySpan<byte> value)
    {
        const int Size = 6;
        if (value.Length % Size != 0)
            return false;
        ReadOnlySpan<byte> ours = [0, 1, 0, BgpFamilyCodes.Unicast, 0, 2];
        for (; !value.IsEmpty; value = value[Size..])
            _extendedNextHop |= value.StartsWith(ours);
        return true;
    }

    private bool TakeRestart(ReadOnlySpan<byte> value)
    {
        const int Size = 4;
        if (value.Length % Size != 2)
            return false;
        var first = BinaryPrimitives.ReadUInt16BigEndian(value);
        var (v4, v6) = (default(RestartFamily?), default(RestartFamily?));
        for (var rest = value[2..]; !rest.IsEmpty; rest = rest[Size..])
        {
            if (BgpFamilyCodes.Find(BinaryPrimitives.ReadUInt16BigEndian(rest), rest[2]) is not { } family)
                continue;
            var entry = new RestartFamily(family, (rest[3] & CapabilityWriter.ForwardingBit) != 0);
            if (family is BgpFamily.IPv4Unicast)
                v4 = entry;
            else
                v6 = entry;
        }

        RestartFamily[] families = (v4, v6) switch
        {
            ({ } a, { } b) => [a, b],
            ({ } a, _) => [a],
            (_, { } b) => [b],
            _ => [],
        };
        _gracefulRestart = new GracefulRestart(
            (first & CapabilityWriter.RestartBit) != 0,
            (first & CapabilityWriter.NotificationBit) != 0,
            (ushort)(first & GracefulRestart.MaxRestartTime),
            families);
        return true;
    }

    private bool TakeAsn(ReadOnlySpan<byte> value)
    {
        if (value.Length != 4)
            return false;
        FourOctetAsn = BinaryPrimitives.ReadUInt32BigEndian(value);
        return true;
    }

    private bool TakeOther(byte code)
    {
        if (!_others.Contains(code))
            _others.Add(code);
        return true;
    }
}
