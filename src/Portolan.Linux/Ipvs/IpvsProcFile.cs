using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Buffers.Binary;

namespace Portolan.Linux.Ipvs;

/// <summary>
/// All real servers at once, out of <c>/proc/net/ip_vs</c>: over netlink the kernel lists those of one virtual server at a time. It belongs to the network
/// namespace of the thread that opened it, whoever reads it. Limits, tunnels and statistics are not in it.
/// </summary>
public sealed class IpvsProcFile : IDisposable
{
    /// <summary>Where the kernel has it.</summary>
    internal const string Path = "/proc/thread-self/net/ip_vs";

    private const string RealServer = "  -> ";
    private readonly FileStream _file = new(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);

    /// <summary>The real servers of every virtual server that has a protocol, an address and a port.</summary>
    /// <exception cref="IOException">It could not be read.</exception>
    /// <exception cref="FormatException">A line is not as <c>ip_vs_ctl.c</c> writes it.</exception>
    public Dictionary<IpvsServiceKey, List<IpvsServer>> Read()
    {
        _file.Position = 0;
        using var reader = new StreamReader(_file, leaveOpen: true);
        return Parse(reader);
    }

    /// <summary>Reads what is in such a file.</summary>
    /// <exception cref="FormatException">A line is not as the kernel writes it.</exception>
    public static Dictionary<IpvsServiceKey, List<IpvsServer>> Parse(TextReader text)
    {
        var table = new Dictionary<IpvsServiceKey, List<IpvsServer>>();
        List<IpvsServer>? servers = null;
        for (var number = 1; text.ReadLine() is { } line; number++)
        {
            if (number <= 3)
                continue; // its version, and what the columns are
            try
            {
                if (!line.StartsWith(RealServer, StringComparison.Ordinal))
                    servers = Service(line) is { } key ? table[key] = [] : null;
                else
                    servers?.Add(Server(line.AsSpan(RealServer.Length)));
            }
            catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
            {
                throw new FormatException($"{Path}, line {number}: \"{line}\" is neither a virtual nor a real server", e);
            }
        }

        return table;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    // Null: one of a mark of the packet.
    private static IpvsServiceKey? Service(string line)
    {
        var protocol = line.AsSpan(0, 3) switch { "TCP" => 6, "UDP" => 17, "SCT" => 132, _ => 0 };
        if (protocol == 0)
            return line.StartsWith("FWM", StringComparison.Ordinal) ? null : throw new FormatException();
        var rest = line.AsSpan(line.IndexOf(' ', StringComparison.Ordinal)).TrimStart();
        var (family, address, port) = At(rest[..rest.IndexOf(' ')]);
        return new IpvsServiceKey(family, (byte)protocol, address, port);
    }

    private static IpvsServer Server(ReadOnlySpan<char> text)
    {
        Span<Range> fields = stackalloc Range[5];
        if (text.SplitAny(fields, " ", StringSplitOptions.RemoveEmptyEntries) != fields.Length)
            throw new FormatException();
        var (family, address, port) = At(text[fields[0]]);
        var forwarding = text[fields[1]] switch
        {
            "Masq" => IpvsForwarding.Masquerade,
            "Local" => IpvsForwarding.Local,
            "Tunnel" => IpvsForwarding.Tunnel,
            "Route" => IpvsForwarding.Direct,
            "Bypass" => IpvsForwarding.Bypass,
            _ => throw new FormatException(),
        };
        return new IpvsServer(new IpvsServerKey(family, address, port), forwarding, int.Parse(text[fields[2]], NumberStyles.Integer, CultureInfo.InvariantCulture))
        {
            ActiveConnections = Count(text[fields[3]]), InactiveConnections = Count(text[fields[4]].TrimEnd()),
        };
    }

    private static uint Count(ReadOnlySpan<char> digits) => (uint)int.Parse(digits, NumberStyles.Integer, CultureInfo.InvariantCulture);

    // 0A600001:01BB, or [2001:0db8:…]:01BB.
    private static (AddressFamily Family, UInt128 Address, ushort Port) At(ReadOnlySpan<char> text)
    {
        var colon = text.LastIndexOf(':');
        var port = ushort.Parse(text[(colon + 1)..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        if (text[0] != '[')
            return (AddressFamily.InterNetwork, uint.Parse(text[..colon], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture), port);
        Span<byte> bytes = stackalloc byte[16];
        return IPAddress.Parse(text[1..(colon - 1)]).TryWriteBytes(bytes, out var written) && written == 16
            ? (AddressFamily.InterNetworkV6, BinaryPrimitives.ReadUInt128BigEndian(bytes), port)
            : throw new FormatException();
    }
}
