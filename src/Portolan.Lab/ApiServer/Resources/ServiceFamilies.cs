using System.Net;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>
/// Which IP families a Service has: what its author left out of <c>ipFamilyPolicy</c>, <c>ipFamilies</c> and <c>clusterIPs</c> follows from the
/// rest, from the Service as it was, and from the cluster. Pure but for what it adds to the Service.
/// </summary>
internal static class ServiceFamilies
{
    private const string Policy = "ipFamilyPolicy", Families = "ipFamilies", Addresses = "clusterIPs";
    private const string Single = "SingleStack", Require = "RequireDualStack";

    /// <param name="spec">The Service's, defaults and what an update keeps already in it.</param>
    /// <param name="before">Null at creation.</param>
    /// <param name="cluster">The cluster's families, the preferred first.</param>
    /// <param name="errors">Gets what is wrong.</param>
    public static void Decide(JsonObject spec, JsonObject? before, IReadOnlyList<ServiceAddresses> cluster, List<FieldError> errors)
    {
        if (spec.Text("type") == "ExternalName") return;
        var list = new ErrorList();
        var bare = spec.Text("clusterIP") == "None" && spec["selector"] is not JsonObject { Count: > 0 };
        // An update that says nothing keeps the policy; it never changes between one family and two unasked.
        spec[Policy] ??= before?.Text(Policy) ?? (bare ? Require : Single);
        if (before is not null) Downgrade(spec, before, list);
        CheckSingle(spec, list);
        // Not after an error: what is inferred could make the Service what it was, and the error would go unsaid.
        if (list.Errors.Count == 0) Infer(spec, cluster, list);
        if (list.Errors.Count == 0 && !bare) CheckCluster(spec, cluster, list);
        errors.AddRange(list.Errors);
        if (list.Errors.Count > 0) return;

        var families = Texts(spec, Families);
        if (families.Count == 0) families.Add(cluster[0].Family);
        // A headless Service without selector may list addresses of either family, whatever the cluster has.
        if (families.Count == 1 && spec.Text(Policy) != Single && (bare || cluster.Count == 2)) families.Add(families[0] == "IPv4" ? "IPv6" : "IPv4");
        spec[Families] = JsonText.Strings(families);
    }

    /// <summary>To SingleStack the second family is let go of; without it nobody may drop it.</summary>
    private static void Downgrade(JsonObject spec, JsonObject before, ErrorList errors)
    {
        foreach (var (field, what) in new[] { (Addresses, "cluster IP"), (Families, "IP family") })
        {
            var (now, then) = (Texts(spec, field), Texts(before, field));
            if (spec.Text(Policy) == Single)
            {
                if (now.Count > 1 && now.SequenceEqual(then)) spec[field] = JsonText.Strings(now.Take(1));
            }
            else if (now.Count == 1 && then.Count == 2 && now[0] == then[0])
            {
                errors.Invalid($"spec.{Policy}", spec.Text(Policy), $"must be '{Single}' to release the secondary {what}");
            }
        }
    }

    private static void CheckSingle(JsonObject spec, ErrorList errors)
    {
        if (spec.Text(Policy) != Single) return;
        foreach (var (field, what) in new[] { (Addresses, "cluster IPs"), (Families, "IP families") })
            if (Texts(spec, field).Count == 2)
                errors.Invalid($"spec.{Policy}", Single, $"must be RequireDualStack or PreferDualStack when multiple {what} are specified");
    }

    /// <summary>An address says its family.</summary>
    private static void Infer(JsonObject spec, IReadOnlyList<ServiceAddresses> cluster, ErrorList errors)
    {
        var families = Texts(spec, Families);
        var given = families.Count;
        var addresses = Texts(spec, Addresses);
        for (var i = given; i < addresses.Count; i++)
        {
            // What is no address is for validation to refuse.
            if (!IPAddress.TryParse(addresses[i], out var address)) break;
            var family = ServiceAddresses.FamilyOf(address);
            if (cluster.Any(f => f.Family == family)) families.Add(family);
            else errors.Invalid($"spec.{Addresses}[{i}]", JsonText.Strings(addresses), $"{family} is not configured on this cluster");
        }

        if (families.Count > given) spec[Families] = JsonText.Strings(families);
    }

    private static void CheckCluster(JsonObject spec, IReadOnlyList<ServiceAddresses> cluster, ErrorList errors)
    {
        if (spec.Text(Policy) == Require && cluster.Count < 2)
            errors.Invalid($"spec.{Policy}", Require, "this cluster is not configured for dual-stack services");
        foreach (var (family, i) in Texts(spec, Families).Select((f, i) => (f, i)))
            if (family is "IPv4" or "IPv6" && cluster.All(f => f.Family != family))
                errors.Invalid($"spec.{Families}[{i}]", family, "not configured on this cluster");
    }

    private static List<string> Texts(JsonObject spec, string field) => [.. (spec[field] as JsonArray ?? []).Select(v => v is JsonValue value && value.TryGetValue<string>(out var text) ? text : "")];
}
