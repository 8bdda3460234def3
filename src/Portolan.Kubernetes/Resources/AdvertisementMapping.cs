using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Kubernetes.Resources;

/// <summary>From L2Advertisements to what the plans read. What is wrong is collected with the path of the field.</summary>
public static class AdvertisementMapping
{
    /// <summary>An L2Advertisement, checked.</summary>
    /// <param name="advertisement">The object.</param>
    /// <param name="errors">Where what is wrong is added.</param>
    /// <returns>The advertisement, or null when an error was added.</returns>
    public static Layer2Advertisement? ToAdvertisement(this L2Advertisement advertisement, ICollection<FieldError> errors) => advertisement.ToSpec().Parse(errors);
}
