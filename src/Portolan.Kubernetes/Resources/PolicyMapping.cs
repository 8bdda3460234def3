using System.Globalization;
using System.Text.Json.Nodes;
using Portolan.Core.Addresses;
using Portolan.Core.Addresses.Policies;
using Portolan.Core.Cluster;

namespace Portolan.Kubernetes.Resources;

/// <summary>Between objects of portolan.dev and what the allocator reads and writes.</summary>
public static class PolicyMapping
{
    /// <summary>The label of the records that the controller writes.</summary>
    public const string ManagedBy = "app.kubernetes.io/managed-by";

    /// <summary>Its value.</summary>
    public const string Manager = "portolan";

    /// <summary>The policy as written.</summary>
    public static AddressPoolPolicySpec ToSpec(this PolicyObject policy)
    {
        var errors = ConfigurationMapping.Errors(policy.Spec);
        var spec = policy.Spec ?? new PolicyObjectSpec();
        var quotas = new List<NamespaceQuota>();
        for (var i = 0; i < (spec.Quotas?.Count ?? 0); i++)
        {
            var quota = spec.Quotas![i] ?? new QuotaSpec();
            if (quota.Addresses is null)
                errors.Add(new FieldError($"spec.quotas[{i}].addresses", "", "is required"));
            quotas.Add(new NamespaceQuota(
                ConfigurationMapping.Texts(quota.Namespaces),
                PoolMapping.ToSelectors(quota.NamespaceSelectors, $"spec.quotas[{i}].namespaceSelectors", errors),
                quota.Addresses ?? 0));
        }

        return new AddressPoolPolicySpec
        {
            Name = policy.Metadata.Name ?? "",
            CreatedAt = ConfigurationMapping.CreatedAt(policy),
            IPAddressPools = ConfigurationMapping.Texts(spec.IPAddressPools),
            IPAddressPoolSelectors = PoolMapping.ToSelectors(spec.IPAddressPoolSelectors, "spec.ipAddressPoolSelectors", errors),
            RetainFor = spec.RetainFor,
            CoolDown = spec.CoolDown,
            Quotas = quotas,
            PairWith = spec.PairWith ?? "",
            Guard = spec.Guard is { } guard ? new GuardSpec(guard.Nodes ?? false, guard.Pods ?? false, guard.Services ?? false, ConfigurationMapping.Texts(guard.Cidrs)) : null,
            ReadErrors = errors,
        };
    }

    /// <summary>The reservation. Where something is wrong with it, what can be read of it counts: an address too many kept back does less harm than one given away.</summary>
    /// <param name="reservation">The object.</param>
    /// <param name="errors">Where what is wrong is added.</param>
    public static AddressReservation ToReservation(this ReservationObject reservation, ICollection<FieldError> errors)
    {
        foreach (var error in ConfigurationMapping.Errors(reservation.Spec))
            errors.Add(error);
        var spec = reservation.Spec ?? new ReservationObjectSpec();
        var addresses = new List<IpAddress>();
        for (var i = 0; i < (spec.Addresses?.Count ?? 0); i++)
        {
            var text = spec.Addresses![i] ?? "";
            if (!IpAddress.TryParse(text, out var address))
                errors.Add(new FieldError($"spec.addresses[{i}]", text, "not an IP address"));
            else if (addresses.Contains(address))
                errors.Add(new FieldError($"spec.addresses[{i}]", text, "is listed twice"));
            else if (spec.Service is not null && addresses.Any(other => other.Family == address.Family))
                errors.Add(new FieldError($"spec.addresses[{i}]", text, "a Service has one address of a family"));
            else
                addresses.Add(address);
        }

        if (addresses.Count == 0 && errors.Count == 0)
            errors.Add(new FieldError("spec.addresses", "", "at least one address is required"));
        if (spec.Service is { } named && (string.IsNullOrEmpty(named.Namespace) || string.IsNullOrEmpty(named.Name)))
            errors.Add(new FieldError("spec.service", "", "namespace and name are required"));
        long? end = null;
        if (!string.IsNullOrEmpty(spec.ExpiresAt))
        {
            if (DateTimeOffset.TryParse(spec.ExpiresAt, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment))
                end = moment.ToUnixTimeSeconds();
            else
                errors.Add(new FieldError("spec.expiresAt", spec.ExpiresAt, "not a date and time, e.g. 2027-01-31T12:00:00Z"));
        }

        return new AddressReservation
        {
            Name = reservation.Metadata.Name ?? "",
            Service = spec.Service is { } service ? new ObjectKey(service.Namespace ?? "", service.Name ?? "") : null,
            Addresses = addresses,
            ExpiresAt = end,
            IsManaged = reservation.Metadata.Labels?.GetValueOrDefault(ManagedBy) == Manager,
        };
    }

    /// <summary>The object to apply for a record of the controller's own.</summary>
    public static JsonObject ToObject(this AddressReservation reservation, string ns)
    {
        var addresses = new JsonArray();
        foreach (var address in reservation.Addresses)
            addresses.Add((JsonNode)address.ToString());
        var spec = new JsonObject { ["addresses"] = addresses };
        if (reservation.Service is { } service)
            spec["service"] = new JsonObject { ["namespace"] = service.Namespace, ["name"] = service.Name };
        if (reservation.ExpiresAt is { } end)
            spec["expiresAt"] = DateTimeOffset.FromUnixTimeSeconds(end).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        return new JsonObject
        {
            ["apiVersion"] = Kinds.AddressReservations.ApiVersion,
            ["kind"] = Kinds.AddressReservations.Kind,
            ["metadata"] = new JsonObject { ["name"] = reservation.Name, ["namespace"] = ns, ["labels"] = new JsonObject { [ManagedBy] = Manager } },
            ["spec"] = spec,
        };
    }
}
