using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses.Policies;

/// <summary>An AddressReservation (portolan.dev/v1alpha1): addresses that are for one Service, or for nobody, until a moment or without end.</summary>
public sealed record AddressReservation
{
    /// <summary><c>metadata.name</c>.</summary>
    public required string Name { get; init; }

    /// <summary><c>spec.service</c>: whom they are for; null: for nobody.</summary>
    public ObjectKey? Service { get; init; }

    /// <summary><c>spec.addresses</c>.</summary>
    public IReadOnlyList<IpAddress> Addresses { get; init; } = [];

    /// <summary><c>spec.expiresAt</c>, seconds since 1970; null: without end, or as long as the Service holds them.</summary>
    public long? ExpiresAt { get; init; }

    /// <summary>Written by the controller for a policy; false: by hand.</summary>
    public bool IsManaged { get; init; }

    /// <summary>The name of the record of what a Service has: the same at any time, and legal whatever the Service is called.</summary>
    public static string NameFor(ObjectKey service) =>
        $"service-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(service.ToString())).AsSpan(0, 10))}";

    /// <summary>The name of the record of an address that rests.</summary>
    public static string NameFor(IpAddress address) => address.IsIPv4
        ? $"resting-{address.ToString().Replace('.', '-')}"
        : $"resting-{address.Value.ToString("x32", CultureInfo.InvariantCulture)}";

    /// <summary>Whether both say the same.</summary>
    public bool Equals(AddressReservation? other) =>
        other is not null && (Name, Service, ExpiresAt, IsManaged) == (other.Name, other.Service, other.ExpiresAt, other.IsManaged) && Addresses.SequenceEqual(other.Addresses);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Service, ExpiresAt);

    /// <summary>Why nobody else may have the addresses.</summary>
    public override string ToString() => Service is { } service
        ? $"is reserved for Service {service}{Until(" until ")} (AddressReservation {Name})"
        : $"is given to nobody{Until(" until ")} (AddressReservation {Name})";

    private string Until(string before) =>
        ExpiresAt is { } end ? before + DateTimeOffset.FromUnixTimeSeconds(end).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) : "";
}
