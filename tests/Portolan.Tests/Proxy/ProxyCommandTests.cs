using System.Net;
using System.Net.Sockets;
using Portolan.Commands;
using Portolan.Hosting;
using static Portolan.Tests.Proxy.Configuration.OptionsFixture;

namespace Portolan.Tests.Proxy;

public sealed class ProxyCommandTests
{
    private static Task<int> RunAsync(params string[] arguments) => CommandTree.Create().Parse(["proxy", .. arguments]).InvokeAsync(new(), TestContext.Current.CancellationToken);

    [Fact]
    [Contract("proxy §1.11-5")]
    public async Task WritesTheConfigurationInEffect_AndReadsItBack()
    {
        var file = Path.GetTempFileName();
        try
        {
            Assert.Equal(ExitCode.Done, await RunAsync("--cluster-cidr=10.0.0.0/8,fd00::/8", "--masquerade-all", "--conntrack-udp-timeout=90s", "--write-config-to", file));
            var options = Valid(FromFile(File.ReadAllText(file)));
            Assert.Equal("10.0.0.0/8 fd00::/8", string.Join(' ', options.PodDetection.ClusterCidrs));
            Assert.True(options.MasqueradeAll);
            Assert.Equal(TimeSpan.FromSeconds(90), options.Conntrack.UdpTimeout);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task SaysThatTheFileCannotBeWritten() => Assert.Equal(ExitCode.NotWell, await RunAsync("--write-config-to=/proc/no/such/place"));

    [Theory]
    [InlineData("--proxy-mode=kernelspace")]
    [InlineData("--config=/no/such/file")]
    [InlineData("--detect-local-mode=BridgeInterface")]
    public async Task DoesNotStartWithAWrongConfiguration(string argument) => Assert.Equal(ExitCode.Usage, await RunAsync(argument));

    [Fact]
    public async Task ExitsWhereAnAddressIsTaken_WhenThatIsToBeFatal()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        Assert.Equal(ExitCode.NotWell, await RunAsync("--bind-address-hard-fail", "--healthz-bind-address=", $"--metrics-bind-address={taken.LocalEndpoint}", "--kubeconfig=/no/such/file"));
    }
}
