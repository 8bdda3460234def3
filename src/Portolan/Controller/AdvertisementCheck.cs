using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller;

/// <summary>
/// What is wrong with an L2Advertisement. The controller does not act on it; but a misspelt pool name is the commonest reason why an
/// address is never announced, and nobody else would say so.
/// </summary>
internal static class AdvertisementCheck
{
    public static IReadOnlyList<FieldError> Errors(L2Advertisement advertisement, IReadOnlyCollection<string> pools)
    {
        var errors = new List<FieldError>();
        var spec = advertisement.Spec ?? new L2AdvertisementSpec();
        for (var i = 0; i < (spec.IPAddressPools?.Count ?? 0); i++)
            if (!pools.Contains(spec.IPAddressPools![i]))
                errors.Add(new FieldError($"spec.ipAddressPools[{i}]", spec.IPAddressPools[i], "there is no such IPAddressPool"));
        advertisement.ToAdvertisement(errors);
        return errors;
    }
}
