using System.Buffers.Binary;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Dns;

/// <summary>
/// The names of a cluster (Kubernetes DNS-based service discovery 1.1): Services, headless endpoints, SRV, PTR, pods.
/// An index kept by changes; not safe for concurrent use.
/// </summary>
internal sealed class ClusterZone
{
    private const string Domain = "cluster.local";
    private const string Reverse = "in-addr.arpa", Reverse6 = "ip6.arpa";
    private const int LongestChain = 8;

    private sealed record Entry(string Name, bool Headless, IReadOnlyList<IpAddress> Addresses, IReadOnlyList<ServicePortSpec> Ports, string? ExternalName);

    private readonly Dictionary<ObjectKey, Entry> _services = [];
    private readonly Dictionary<ObjectKey, EndpointSliceFacts> _slices = [];
    private readonly Dictionary<ObjectKey, HashSet<ObjectKey>> _slicesOf = [];
    private readonly Dictionary<IpAddress, ObjectKey> _byAddress = [];

    /// <summary>A Service as it is now, or null when it is gone.</summary>
    public void Set(ObjectKey key, Service? service)
    {
        if (_services.Remove(key, out var old))
            foreach (var address in old.Addresses)
                _byAddress.Remove(address);
        if (service is null)
            return;
        var facts = service.ToFacts();
        _services[key] = new Entry($"{key.Name}.{key.Namespace}.svc.{Domain}", service.Spec?.ClusterIP == "None", facts.ClusterIPs, service.Spec?.Ports ?? [],
            service.Spec?.Type == "ExternalName" ? service.Spec.ExternalName?.TrimEnd('.').ToLowerInvariant() : null);
        foreach (var address in facts.ClusterIPs)
            _byAddress[address] = key;
    }

    /// <summary>An EndpointSlice as it is now, or null when it is gone.</summary>
    public void Set(ObjectKey key, EndpointSlice? slice)
    {
        if (_slices.Remove(key, out var old) && _slicesOf.TryGetValue(old.Service, out var siblings))
        {
            siblings.Remove(key);
            if (siblings.Count == 0)
                _slicesOf.Remove(old.Service);
        }

        if (slice?.ToFacts() is not { } facts)
            return;
        _slices[key] = facts;
        if (!_slicesOf.TryGetValue(facts.Service, out var slices))
            _slicesOf[facts.Service] = slices = [];
        slices.Add(key);
    }

    /// <summary>What there is of a name and type. A name that exists without records of the type is no error (NODATA).</summary>
    /// <returns>Refused for names that are not the cluster's: there is nobody else to ask.</returns>
    public DnsCode Resolve(string name, DnsType type, List<DnsRecord> answers)
    {
        if (name.EndsWith("." + Reverse, StringComparison.Ordinal) || name.EndsWith("." + Reverse6, StringComparison.Ordinal))
            return ResolveReverse(name, type, answers);
        if (name == Domain || name == "svc." + Domain || name == "pod." + Domain)
            return DnsCode.NoError;
        if (!name.EndsWith("." + Domain, StringComparison.Ordinal))
            return DnsCode.Refused;
        var labels = name[..^(Domain.Length + 1)].Split('.');
        return labels switch
        {
            [.., var ns, "svc"] when labels.Length == 2 => NamespaceExists(ns) ? DnsCode.NoError : DnsCode.NameError,
            [var service, var ns, "svc"] => ResolveService(name, new ObjectKey(ns, service), type, answers),
            [var endpoint, var service, var ns, "svc"] => ResolveEndpoint(name, endpoint, new ObjectKey(ns, service), type, answers),
            [['_', .. var port], ['_', .. var protocol], var service, var ns, "svc"] => ResolvePort(name, port, protocol, new ObjectKey(ns, service), type, answers),
            [var address, _, "pod"] => ResolvePod(name, address, type, answers),
            _ => DnsCode.NameError,
        };
    }

    /// <summary>What says for how long a missing name stays missing (RFC 2308).</summary>
    public static DnsRecord Soa { get; } = new(Domain, DnsType.Soa,
        [.. DnsMessage.EncodeName("ns.dns." + Domain), .. DnsMessage.EncodeName("hostmaster." + Domain), .. UInt32s(1, 7200, 1800, 86400, 5)]);

    private DnsCode ResolveService(string name, ObjectKey key, DnsType type, List<DnsRecord> answers)
    {
        if (!_services.TryGetValue(key, out var entry))
            return DnsCode.NameError;
        if (entry.ExternalName is { } target)
        {
            answers.Add(new DnsRecord(name, DnsType.Cname, DnsMessage.EncodeName(target)));
            // Two Services may point at each other: the chain ends somewhere.
            if (answers.Count < LongestChain && target.EndsWith("." + Domain, StringComparison.Ordinal))
                Resolve(target, type, answers);
            return DnsCode.NoError;
        }

        foreach (var address in entry.Headless ? ReadyEndpoints(key).Select(endpoint => endpoint.Endpoint.Address).Distinct() : entry.Addresses)
            Add(name, address, type, answers);
        if (type is DnsType.Srv)
            foreach (var port in entry.Ports)
                AddPort(name, entry, key, port, answers);
        return DnsCode.NoError;
    }

    // An endpoint without a host name of its own is known by its address with dashes.
    private DnsCode ResolveEndpoint(string name, string endpoint, ObjectKey service, DnsType type, List<DnsRecord> answers)
    {
        if (!_services.TryGetValue(service, out var entry) || !entry.Headless)
            return DnsCode.NameError;
        foreach (var (found, _) in ReadyEndpoints(service))
            if (Dashed(found.Address) == endpoint)
            {
                Add(name, found.Address, type, answers);
                return DnsCode.NoError;
            }

        return DnsCode.NameError;
    }

    private DnsCode ResolvePort(string name, string port, string protocol, ObjectKey key, DnsType type, List<DnsRecord> answers)
    {
        if (!_services.TryGetValue(key, out var entry))
            return DnsCode.NameError;
        var found = false;
        foreach (var candidate in entry.Ports)
        {
            if (candidate.Name != port || !string.Equals(candidate.Protocol ?? "TCP", protocol, StringComparison.OrdinalIgnoreCase))
                continue;
            found = true;
            if (type is DnsType.Srv or DnsType.Any)
                AddPort(name, entry, key, candidate, answers);
        }

        return found ? DnsCode.NoError : DnsCode.NameError;
    }

    private void AddPort(string name, Entry entry, ObjectKey key, ServicePortSpec port, List<DnsRecord> answers)
    {
        if (!entry.Headless)
        {
            answers.Add(Srv(name, (ushort)port.Port, entry.Name));
            return;
        }

        foreach (var (endpoint, slice) in ReadyEndpoints(key))
            foreach (var served in slice.Ports)
                if (served.Name == (port.Name ?? ""))
                    answers.Add(Srv(name, served.Port, $"{Dashed(endpoint.Address)}.{entry.Name}"));
    }

    private static DnsCode ResolvePod(string name, string address, DnsType type, List<DnsRecord> answers)
    {
        if (!(IpAddress.TryParse(address.Replace('-', '.'), out var parsed) && parsed.IsIPv4) && !IpAddress.TryParse(address.Replace('-', ':'), out parsed))
            return DnsCode.NameError;
        Add(name, parsed, type, answers);
        return DnsCode.NoError;
    }

    private DnsCode ResolveReverse(string name, DnsType type, List<DnsRecord> answers)
    {
        if (Reversed(name) is not { } text || !IpAddress.TryParse(text, out var address) || !_byAddress.TryGetValue(address, out var key))
            return DnsCode.NameError;
        if (type is DnsType.Ptr or DnsType.Any)
            answers.Add(new DnsRecord(name, DnsType.Ptr, DnsMessage.EncodeName(_services[key].Name)));
        return DnsCode.NoError;
    }

    /// <summary>Octets of IPv4 (RFC 1035 §3.5) or 32 nibbles of IPv6 (RFC 3596 §2.5), the last first.</summary>
    private static string? Reversed(string name)
    {
        var six = name.EndsWith(Reverse6, StringComparison.Ordinal);
        var labels = name[..^((six ? Reverse6 : Reverse).Length + 1)].Split('.');
        Array.Reverse(labels);
        if (!six)
            return string.Join('.', labels);
        return labels.Length == 32 && labels.All(l => l.Length == 1) ? string.Join(':', labels.Chunk(4).Select(group => string.Concat(group))) : null;
    }

    private IEnumerable<(EndpointFacts Endpoint, EndpointSliceFacts Slice)> ReadyEndpoints(ObjectKey service)
    {
        foreach (var key in _slicesOf.GetValueOrDefault(service) ?? [])
            foreach (var endpoint in _slices[key].Endpoints)
                if (endpoint.Ready)
                    yield return (endpoint, _slices[key]);
    }

    private bool NamespaceExists(string ns) => _services.Keys.Any(key => key.Namespace == ns);

    private static void Add(string name, IpAddress address, DnsType type, List<DnsRecord> answers)
    {
        var own = address.IsIPv4 ? DnsType.A : DnsType.Aaaa;
        if (type != own && type is not DnsType.Any)
            return;
        var data = new byte[address.Size];
        address.WriteTo(data);
        answers.Add(new DnsRecord(name, own, data));
    }

    private static DnsRecord Srv(string name, ushort port, string target) =>
        new(name, DnsType.Srv, [0, 0, 0, 100, (byte)(port >> 8), (byte)port, .. DnsMessage.EncodeName(target)]);

    private static string Dashed(IpAddress address) => address.ToString().Replace('.', '-').Replace(':', '-');

    private static byte[] UInt32s(params ReadOnlySpan<uint> values)
    {
        var bytes = new byte[values.Length * 4];
        for (var i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(i * 4), values[i]);
        return bytes;
    }
}
