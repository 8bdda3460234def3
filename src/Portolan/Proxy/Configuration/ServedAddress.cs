using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Portolan.Core.Addresses;

namespace Portolan.Proxy.Configuration;

/// <summary>Addresses to serve at: <c>address</c>, <c>address:port</c> or <c>[address]:port</c>, a port of 0 for nowhere.</summary>
internal static class ServedAddress
{
    /// <summary>Where kube-proxy answers load balancers' checks.</summary>
    internal const ushort HealthzPort = 10256;

    /// <summary>Where kube-proxy answers Prometheus.</summary>
    internal const ushort MetricsPort = 10249;

    /// <summary>Parses what is not empty.</summary>
    /// <param name="text">The text.</param>
    /// <param name="defaultPort">The port of an address without one.</param>
    /// <param name="address">Null where the port is 0.</param>
    internal static bool TryParse(string text, ushort defaultPort, out IPEndPoint? address)
    {
        address = null;
        var port = defaultPort;
        if (!IpAddress.TryParse(text, out var ip))
        {
            var colon = text.LastIndexOf(':');
            if (colon < 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port))
                return false;
            var host = text[..colon];
            var isBracketed = host.StartsWith('[') && host.EndsWith(']');
            if (!IpAddress.TryParse(isBracketed ? host[1..^1] : host, out ip) || isBracketed == ip.IsIPv4)
                return false;
        }

        address = port == 0 ? null : new IPEndPoint(ip.ToIPAddress(), port);
        return true;
    }

    /// <summary>Why one of the addresses cannot be served at; null where all can.</summary>
    internal static string? Refusal(IEnumerable<IPEndPoint> addresses)
    {
        foreach (var address in addresses)
        {
            using var listener = new TcpListener(address);
            try
            {
                listener.Start();
            }
            catch (SocketException e)
            {
                return $"cannot serve at {address}: {e.Message}";
            }
        }

        return null;
    }
}
