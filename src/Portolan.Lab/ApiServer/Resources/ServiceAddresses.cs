using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>The Service addresses of one family, as numbers counted from the network's own address.</summary>
internal sealed class ServiceAddresses
{
    private const int MostBits = 20;

    private readonly IPNetwork _network;

    /// <exception cref="ArgumentException">As <see cref="Problem"/> says.</exception>
    public ServiceAddresses(IPNetwork network)
    {
        if (Problem(network) is { } problem) throw new ArgumentException(problem, nameof(network));
        _network = network;
        Family = FamilyOf(network.BaseAddress);
        var size = 1u << ((network.BaseAddress.GetAddressBytes().Length * 8) - network.PrefixLength);
        // Not the network's own address; and IPv4 has a broadcast address.
        Pool = new(1, Family == "IPv4" ? size - 2 : size - 1, Math.Min(Math.Max(16, size / 16), 256));
    }

    /// <summary><c>IPv4</c> or <c>IPv6</c>.</summary>
    public string Family { get; }

    public string Range => _network.ToString();

    public NumberPool Pool { get; }

    public static string FamilyOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? "IPv4" : "IPv6";

    /// <returns>Why a network cannot be one of Services, or null. An IPv6 network has at most 20 bits for hosts, as kube-apiserver has it.</returns>
    public static string? Problem(IPNetwork network) => ((network.BaseAddress.GetAddressBytes().Length * 8) - network.PrefixLength) switch
    {
        < 4 => $"{network} is too small for Services",
        > MostBits => $"{network} is larger than {MostBits} bits for hosts",
        _ => null,
    };

    public string Text(uint number)
    {
        var bytes = _network.BaseAddress.GetAddressBytes();
        var low = bytes.AsSpan(bytes.Length - 4);
        BinaryPrimitives.WriteUInt32BigEndian(low, BinaryPrimitives.ReadUInt32BigEndian(low) + number);
        return new IPAddress(bytes).ToString();
    }

    /// <summary>False when the text is no address of this network.</summary>
    public bool TryParse(string? text, out uint number)
    {
        number = 0;
        if (!IPAddress.TryParse(text, out var address) || !_network.Contains(address)) return false;
        number = Low(address) - Low(_network.BaseAddress);
        return true;
    }

    private static uint Low(IPAddress address) => BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes().AsSpan()[^4..]);
}
