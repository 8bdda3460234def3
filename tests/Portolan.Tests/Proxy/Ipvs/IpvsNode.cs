using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Links;
using Portolan.Proxy;
using Portolan.Proxy.Ipvs;
using Portolan.Proxy.Nftables;

namespace Portolan.Tests.Proxy.Ipvs;

/// <summary>What the proxy does to the kernel of one namespace where IPVS forwards: virtual servers, the link, nftables.</summary>
internal sealed class IpvsNode : IDisposable
{
    private readonly NetworkNamespace _node;
    private readonly ProxyKernel _kernel;

    internal IpvsNode(NetworkNamespace node, IpvsSettings? settings = null)
    {
        _node = node;
        IpvsKernel.Open(node).Dispose();
        _kernel = node.Inside(() => new ProxyKernel(
            new TableSettings { NodePortAddresses = NodePortAddresses.From([]) }, NullLogger.Instance, ipvs: IpvsForwarder.TryOpen(settings ?? new IpvsSettings(), NullLogger.Instance)!));
        Index = new ForwardingIndex(new ForwardingContext { NodeName = "node", IsIpvs = true });
    }

    /// <summary>What is wanted.</summary>
    internal ForwardingIndex Index { get; }

    internal bool IsDraining => _kernel.IsDraining;

    /// <summary>Compares everything.</summary>
    internal int Reconcile()
    {
        Index.TakeChanges();
        return _kernel.Reconcile([.. Index.Plans]);
    }

    /// <summary>Follows what has changed.</summary>
    internal int Apply() => _kernel.Apply(Index.TakeChanges());

    internal void Drain() => _kernel.Drain();

    /// <summary>The node's addresses are others.</summary>
    internal void LookAround() => _kernel.Set(_node.Inside(LinkSnapshot.Read));

    /// <summary>As <c>portolan get virtual-servers -n</c> prints them.</summary>
    internal string Listing() => Printed((printer, servers, output) => printer.Print(servers, output));

    /// <summary>As <c>portolan get virtual-servers -S -n</c> does.</summary>
    internal string Rules() => Printed((printer, servers, output) => printer.PrintRules(servers, output));

    /// <summary>What <c>ipvsadm</c> prints. Without <c>ip netns exec</c>, which takes longer than it.</summary>
    internal string Ipvsadm(string arguments) => _node.Inside(() => NetworkNamespace.Run("ipvsadm", arguments));

    /// <summary>The addresses on the link.</summary>
    internal HashSet<IpAddress> LinkAddresses() => _node.Inside(() =>
    {
        using var link = new AddressLink(ServiceLink.Name);
        var index = link.Find();
        return link.Addresses().Where(address => address.Link == index).Select(address => IpAddress.From(address.Address)).ToHashSet();
    });

    public void Dispose() => _kernel.Dispose();

    private string Printed(Action<VirtualServerPrinter, IReadOnlyList<KernelVirtualServer>, TextWriter> print)
    {
        var output = new StringWriter { NewLine = "\n" };
        print(new VirtualServerPrinter(null), _node.Inside(IpvsView.Read)!, output);
        return output.ToString();
    }
}
