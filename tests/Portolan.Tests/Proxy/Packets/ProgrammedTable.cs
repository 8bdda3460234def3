using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Proxy.Nftables;

namespace Portolan.Tests.Proxy.Packets;

/// <summary>One family's table on node, and the objects it was made of: changes go into it as the proxy's loop would put them there.</summary>
internal sealed class ProgrammedTable
{
    private readonly TwoNodeLab _lab;
    private readonly IpFamily _family;
    private readonly ForwardingIndex _index;

    /// <summary>A table without Services.</summary>
    internal ProgrammedTable(TwoNodeLab lab, IpFamily family, ForwardingContext? context = null, TableSettings? settings = null)
    {
        _lab = lab;
        _family = family;
        _index = new ForwardingIndex(context ?? TwoNodeLab.Context);
        Table = lab.Program(family, [], settings);
    }

    internal NftablesTable Table { get; }

    /// <summary>A Service is new or different.</summary>
    internal ProgrammedTable Set(ServiceFacts service) => Apply(() => _index.Set(service));

    /// <summary>The endpoints of a Service.</summary>
    internal ProgrammedTable Endpoints(IEnumerable<Backend> backends, string service = "web") => Apply(() => _index.Set(_lab.Slice(_family, backends, service)));

    /// <summary>The endpoints of a Service, all ready.</summary>
    internal ProgrammedTable Endpoints(params string[] hosts) => Endpoints(hosts.Select(host => new Backend(host)));

    /// <summary>Whatever else happens to the objects.</summary>
    internal ProgrammedTable Apply(Action<ForwardingIndex> change) => Apply(() => change(_index));

    private ProgrammedTable Apply(Action change)
    {
        change();
        Table.Apply(_index.TakeChanges());
        return this;
    }

    /// <summary>
    /// What the table holds is what these objects would give from scratch: comparing everything with the kernel changes no element of a
    /// Service. It may tidy up chains that nobody needs any more, and then has nothing left to do.
    /// </summary>
    internal void IsAsFromScratch()
    {
        var before = _lab.Elements(_family);
        Table.Reconcile(_index.Plans);
        Assert.Equal(before, _lab.Elements(_family));
        Table.Reconcile(_index.Plans);
        Assert.Equal(0, Table.Reconcile(_index.Plans));
    }
}
