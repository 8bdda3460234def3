using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Forwarding;
using Portolan.Proxy;
using Portolan.Proxy.Cleanup;
using Portolan.Proxy.Ipvs;
using Portolan.Proxy.Nftables;

namespace Portolan.Tests.Proxy.Ipvs;

/// <summary>From one mode to the other, as the proxy is started again in it, while clients go on connecting.</summary>
public sealed class ModeSwitchTests
{
    private const string Left = "192.0.2.240 . tcp . 80 : 0x00000000 . 0x000000f8"; // FrontAction.PassMasquerade
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(1);
    private readonly ITestOutputHelper _output;

    public ModeSwitchTests(ITestOutputHelper output)
    {
        IpvsKernel.SkipUnlessThere();
        _output = output;
    }

    [Fact]
    public void NewConnectionsGoOn_AndNothingIsLeftOfTheOtherMode()
    {
        using var lab = new ForwardingLab();
        IpvsKernel.Open(lab.Node).Dispose();
        using (var nftables = Kernel(lab, isIpvs: false))
            nftables.Reconcile(Plans(isIpvs: false));
        using var asking = new Asking(lab);
        asking.For(1000);

        using (var ipvs = Kernel(lab, isIpvs: true))
            ipvs.Reconcile(Plans(isIpvs: true));
        asking.For(2000);
        Assert.Contains("TCP  192.0.2.240:80 rr", lab.Node.RunInside("ipvsadm", "-ln"), StringComparison.Ordinal);
        Assert.Contains(Left, lab.Node.RunInside("nft", "list table ip portolan"), StringComparison.Ordinal);

        using (var nftables = Kernel(lab, isIpvs: false))
        {
            nftables.Reconcile(Plans(isIpvs: false));
            nftables.Reconcile(Plans(isIpvs: false)); // a chain goes after what leads to it: with the next comparison
        }

        asking.For(2000);
        Assert.Equal("", lab.Node.RunInside("ipvsadm", "-Sn"));
        Assert.DoesNotContain("kube-ipvs0", lab.Node.RunInside("ip", "link"), StringComparison.Ordinal);
        var listing = lab.Node.RunInside("nft", "list table ip portolan");
        Assert.Contains("192.0.2.240 . tcp . 80 : 0x00000000 . 0x0000007b", listing, StringComparison.Ordinal);
        Assert.DoesNotContain("leave-hide", listing, StringComparison.Ordinal);

        var (asked, failed, longest) = asking.Stop();
        _output.WriteLine($"{asked} connections, {failed} failed, for {longest.TotalMilliseconds:n0} ms at most");
        Assert.True(asked > 50, $"only {asked} connections");
        Assert.True(longest <= Most, $"no connection for {longest.TotalMilliseconds:n0} ms");
    }

    [Fact]
    public void CleanUpTakesItAllAway()
    {
        using var lab = new ForwardingLab(pods: 1);
        IpvsKernel.Open(lab.Node).Dispose();
        using (var ipvs = Kernel(lab, isIpvs: true))
            ipvs.Reconcile(Plans(isIpvs: true));
        var output = new StringWriter();
        Assert.Equal(0, lab.Node.Inside(() => OwnTables.Remove(output, [])));
        Assert.Equal("", lab.Node.RunInside("ipvsadm", "-Sn"));
        Assert.DoesNotContain("kube-ipvs0", lab.Node.RunInside("ip", "link"), StringComparison.Ordinal);
        Assert.DoesNotContain("portolan", lab.Node.RunInside("nft", "list tables"), StringComparison.Ordinal);
        Assert.Contains("virtual servers", output.ToString(), StringComparison.Ordinal);
    }

    private static ProxyKernel Kernel(ForwardingLab lab, bool isIpvs) => lab.Node.Inside(() => new ProxyKernel(
        new TableSettings { NodePortAddresses = NodePortAddresses.From([]) }, NullLogger.Instance,
        ipvs: isIpvs ? IpvsForwarder.TryOpen(new IpvsSettings(), NullLogger.Instance) : null));

    private static List<ServicePortPlan> Plans(bool isIpvs)
    {
        var index = new ForwardingIndex(ForwardingLab.Context with { IsIpvs = isIpvs });
        index.Set(ForwardingLab.Service());
        index.Set(ForwardingLab.Slice([0, 1, 2]));
        index.TakeChanges();
        return [.. index.Plans];
    }

    /// <summary>A client that connects to the Service's address again and again.</summary>
    private sealed class Asking : IDisposable
    {
        private readonly Thread _thread;
        private volatile bool _isOver;
        private int _asked;
        private int _failed;
        private TimeSpan _longest;

        internal Asking(ForwardingLab lab)
        {
            _thread = new Thread(() =>
            {
                var last = Stopwatch.GetTimestamp();
                while (!_isOver)
                {
                    _asked++;
                    if (lab.Client.Ask(ForwardingLab.To(ForwardingLab.Vip, 80), 250).StartsWith("pod", StringComparison.Ordinal))
                        last = Stopwatch.GetTimestamp();
                    else
                        _failed++;
                    if (Stopwatch.GetElapsedTime(last) is var since && since > _longest)
                        _longest = since;
                }
            });
            _thread.Start();
        }

        internal void For(int milliseconds)
        {
            var before = _asked;
            Thread.Sleep(milliseconds);
            Assert.True(_asked > before, "the client does not ask");
        }

        internal (int Asked, int Failed, TimeSpan Longest) Stop()
        {
            Dispose();
            return (_asked, _failed, _longest);
        }

        public void Dispose()
        {
            _isOver = true;
            _thread.Join();
        }
    }
}
