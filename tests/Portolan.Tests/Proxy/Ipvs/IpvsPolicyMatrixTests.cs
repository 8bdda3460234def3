using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Links;
using Portolan.Proxy.Ipvs;
using Portolan.Proxy.Nftables;
using Portolan.Tests.Proxy.Packets;

namespace Portolan.Tests.Proxy.Ipvs;

/// <summary>The policy matrix, forwarded by IPVS.</summary>
public sealed class IpvsPolicyMatrixTests : PolicyMatrix, IDisposable
{
    private readonly TwoNodeLab _lab;
    private readonly IpvsForwarder _ipvs;

    public IpvsPolicyMatrixTests(TwoNodeLab lab)
        : base(lab)
    {
        IpvsKernel.SkipUnlessThere();
        _lab = lab;
        IpvsKernel.Open(lab.Node.Namespace).Dispose();
        _ipvs = lab.Node.Namespace.Inside(() => IpvsForwarder.TryOpen(new IpvsSettings(), NullLogger.Instance))!;
    }

    private protected override void Program(IpFamily family, ForwardingContext context, TableSettings settings, Func<ForwardingContext, ForwardingIndex> index)
    {
        _ipvs.Set(_lab.Node.Namespace.Inside(LinkSnapshot.Read), _ => true);
        ServicePortPlan[] plans = [.. index(context with { IsIpvs = true }).Plans];
        _lab.Program(family, plans, settings with { LeavesToIpvs = true, OwnAddresses = _ipvs.OwnAddresses });
        _ipvs.Reconcile(plans);
        _lab.ForgetFlows(family);
    }

    public void Dispose() => _ipvs?.Dispose();
}
