using Portolan.Core.Cluster;

namespace Portolan.Core.Forwarding;

/// <summary>What the index knows of one Service. There are many: nothing is kept twice.</summary>
internal sealed class ForwardedService(ObjectKey key)
{
    internal ObjectKey Key { get; } = key;

    /// <summary>As last told of, or null.</summary>
    internal ServiceFacts? Service { get; set; }

    /// <summary>In no particular order.</summary>
    internal EndpointSliceFacts[] Slices { get; private set; } = [];

    /// <summary>What it asks for: every front that it names.</summary>
    internal ServicePortPlan[] Plans { get; set; } = [];

    /// <summary>The same without fronts that belong to another Service: the same array where there are none.</summary>
    internal ServicePortPlan[] InForce { get; set; } = [];

    internal HealthCheckPlan? HealthCheck { get; set; }

    /// <summary>By what age it claims its fronts, seconds since 1970.</summary>
    internal long CreatedAt { get; set; }

    /// <summary>To be planned anew.</summary>
    internal bool IsTouched { get; set; }

    /// <summary>Not only its endpoints are to be planned anew.</summary>
    internal bool IsAltered { get; set; }

    /// <summary>Its changes are to be told.</summary>
    internal bool IsDue { get; set; }

    /// <summary>Planned since that was last asked.</summary>
    internal bool IsPlanned { get; set; }

    /// <summary>Not all of its fronts need be its own.</summary>
    internal bool IsContested { get; set; }

    internal bool IsGone => Service is null && Slices.Length == 0;

    internal void Add(EndpointSliceFacts slice) => Slices = [.. Slices, slice];

    internal void Replace(EndpointSliceFacts slice, EndpointSliceFacts by) => Slices[IndexOf(slice)] = by;

    internal void Remove(EndpointSliceFacts slice)
    {
        var index = IndexOf(slice);
        Slices = [.. Slices.AsSpan(0, index), .. Slices.AsSpan(index + 1)];
    }

    // The object itself: comparing them by value costs more.
    private int IndexOf(EndpointSliceFacts slice)
    {
        for (var i = 0; i < Slices.Length; i++)
        {
            if (ReferenceEquals(Slices[i], slice))
                return i;
        }

        throw new ArgumentException($"no slice {slice.Key} of {Key}", nameof(slice));
    }
}
