using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Links;
using Portolan.Proxy.Ipvs;
using Portolan.Proxy.Nftables;
using Portolan.Tests.Proxy.Packets;

namespace Portolan.Tests.Proxy.Ipvs;

/// <summary>The policy matrix, forwarded by IPVS. A class for each family: they run side by side.</summary>
public abstract class IpvsPolicyMatrix : PolicyMatrix, IDisposable
{
    private readonly TwoNodeLab _lab;
    private readonly IpvsForwarder _ipvs;

    private protected IpvsPolicyMatrix(TwoNodeLab lab)
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

    public void Dispose()
    {
        _ipvs?.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>Over IPv4.</summary>
public sealed class IpvsPolicyMatrixIPv4Tests(TwoNodeLab lab) : IpvsPolicyMatrix(lab)
{
    public static IEnumerable<TheoryDataRow<IpFamily, Detection, string>> Cases => CasesOf(IpFamily.IPv4);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Holds(IpFamily family, Detection detection, string endpoints) => AnswersAsKubernetesSays(family, detection, endpoints);
}

/// <summary>Over IPv6.</summary>
public sealed class IpvsPolicyMatrixIPv6Tests(TwoNodeLab lab) : IpvsPolicyMatrix(lab)
{
    public static IEnumerable<TheoryDataRow<IpFamily, Detection, string>> Cases => CasesOf(IpFamily.IPv6);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Holds(IpFamily family, Detection detection, string endpoints) => AnswersAsKubernetesSays(family, detection, endpoints);
}
