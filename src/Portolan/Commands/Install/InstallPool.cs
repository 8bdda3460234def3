using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Commands.Install;

/// <summary>Checks the ranges of <c>--pool</c> before anything is sent.</summary>
internal static class InstallPool
{
    /// <summary>What is wrong with the ranges by themselves, a sentence each.</summary>
    public static IEnumerable<string> Errors(IReadOnlyList<string> ranges)
    {
        if (ranges.Count == 0)
            return [];
        var errors = new List<FieldError>();
        AddressPool.Parse(Spec(ranges), errors);
        return errors.Select(error => $"--pool {error.Value}: {error.Rule}");
    }

    /// <summary>What is wrong with them beside the pools that the cluster has, or null.</summary>
    public static string? Conflict(IReadOnlyList<string> ranges, IEnumerable<AddressPoolSpec> others)
    {
        var existing = PoolSet.Empty.Update([.. others.Where(other => other.Name != Manifests.PoolName)]);
        foreach (var problem in existing.Update([.. existing.Pools.Select(pool => new AddressPoolSpec { Name = pool.Name, Addresses = [.. pool.Ranges.Select(range => range.ToString())] }), Spec(ranges)]).Problems)
            if (problem.Pool == Manifests.PoolName)
                return $"--pool {problem.Error.Value}: {problem.Error.Rule}";
        return null;
    }

    // The newest of all: in a conflict it is this one that is wrong.
    private static AddressPoolSpec Spec(IReadOnlyList<string> ranges) => new() { Name = Manifests.PoolName, Addresses = ranges, CreatedAt = long.MaxValue };
}
