using System.Security.Cryptography;
using System.Text;
using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses;

/// <summary>
/// On which terms a Service shares its address. Two Services may hold one address if they name the same key, have no port in common, and
/// send its traffic the same way: with <c>externalTrafficPolicy: Local</c> only to the same pods, because only the nodes of those pods may
/// attract the address.
/// </summary>
/// <param name="Key">The sharing key; empty for none.</param>
/// <param name="Backend">Empty for policy Cluster; the selector for policy Local.</param>
/// <param name="Ports">What the Service listens on.</param>
internal sealed record SharingTerms(string Key, string Backend, IReadOnlyList<(Protocol Protocol, ushort Port)> Ports)
{
    private const int RecordBytes = 8;
    private string? _record;

    public static readonly SharingTerms None = new("", "", []);

    /// <summary>These terms in sixteen hexadecimal digits, the same in every version of this program; empty where nothing is shared.</summary>
    public string Record => _record ??= Key.Length == 0 ? "" : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        $"{Key}\n{Backend}\n{string.Join(',', Ports.Select(port => $"{port.Protocol.ToString().ToUpperInvariant()}/{port.Port}").Order(StringComparer.Ordinal))}")).AsSpan(0, RecordBytes));

    public static SharingTerms Of(ServiceFacts service) => new(
        ServiceAnnotations.Read(service, ServiceAnnotations.AllowSharedIP),
        service.ExternalTrafficPolicy is TrafficPolicy.Local
            ? string.Join(',', service.Selector.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}"))
            : "",
        [.. service.Ports.Select(port => (port.Protocol, port.Port))]);

    /// <summary>Null when both may hold one address, otherwise why not.</summary>
    public string? Refusal(ObjectKey holder, SharingTerms held)
    {
        if (held.Key.Length == 0 || Key.Length == 0)
            return $"is in use by Service {holder}";
        if (held.Key != Key)
            return $"is in use by Service {holder}, whose sharing key is \"{held.Key}\", not \"{Key}\"";
        if (held.Backend != Backend)
            return $"is in use by Service {holder}, and Services that share an address must have the same externalTrafficPolicy and, with Local, the same selector";
        foreach (var port in Ports)
            if (held.Ports.Contains(port))
                return PortRefusal(holder, port);
        return null;
    }

    public static string PortRefusal(ObjectKey holder, (Protocol Protocol, ushort Port) port) =>
        $"is in use by Service {holder}, which has the port {port.Protocol.ToString().ToUpperInvariant()}/{port.Port} too";

    public bool Equals(SharingTerms? other) => other is not null && Key == other.Key && Backend == other.Backend && Ports.SequenceEqual(other.Ports);

    public override int GetHashCode() => HashCode.Combine(Key, Backend, Ports.Count);
}
