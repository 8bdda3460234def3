using System.Collections.ObjectModel;
using Portolan.Core.Cluster;

namespace Portolan.Core.Forwarding;

/// <summary>What is worth remembering of a Service for as long as it exists.</summary>
public static class ForwardedFacts
{
    private const string OurAnnotations = "portolan.dev/";

    /// <summary>The facts without labels and annotations that are for others: a manifest as it was last applied alone may have many kilobytes.</summary>
    public static ServiceFacts Of(ServiceFacts service) => service with
    {
        Labels = Only(service.Labels, key => key == ForwardingPlan.ProxyNameLabel),
        Annotations = Only(service.Annotations, key => key.StartsWith(OurAnnotations, StringComparison.Ordinal)),
        Selector = ReadOnlyDictionary<string, string>.Empty,
    };

    private static IReadOnlyDictionary<string, string> Only(IReadOnlyDictionary<string, string> all, Func<string, bool> isRead)
    {
        Dictionary<string, string>? read = null;
        foreach (var (key, value) in all)
        {
            if (isRead(key))
                (read ??= [])[key] = value;
        }

        return read ?? (IReadOnlyDictionary<string, string>)ReadOnlyDictionary<string, string>.Empty;
    }
}
