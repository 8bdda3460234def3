using System.CommandLine;
using Portolan.Hosting;

namespace Portolan.Tests.Hosting;

public sealed class MetricsOptionsTests
{
    [Theory]
    [InlineData("", 7472, 0)]
    [InlineData("--port=7472", 7472, 0)]                                              // up to 0.15, and Kubespray
    [InlineData("--port=7500", 7500, 0)]
    [InlineData("--port=9120", 0, 9120)]                                              // 0.16's own manifests
    [InlineData("--port=7500 --metrics-cert-dir=/etc/metrics", 0, 7500)]              // 0.16's chart with another port
    [InlineData("--port=7500 --tls-min-version=VersionTLS12", 0, 7500)]
    [InlineData("--tls-min-version=VersionTLS12", 7472, 0)]
    [InlineData("--port=0", 0, 0)]
    [InlineData("--port=0 --tls-min-version=VersionTLS12", 0, 0)]
    [InlineData("--port=7472 --secure-port=9120 --tls-min-version=VersionTLS12", 7472, 9120)]
    [InlineData("--port=9120 --secure-port=9120", 0, 9120)]
    [InlineData("--port=9120 --secure-port=0", 9120, 0)]
    [InlineData("--port=0 --secure-port=9120", 0, 9120)]
    public void FindsOutWhatThePortIsMeantFor(string arguments, int plain, int secure)
    {
        var options = new MetricsOptions();
        var command = new RootCommand();
        options.AddTo(command);
        new TlsOptions().AddTo(command);
        var parse = command.Parse(arguments);
        Assert.Empty(parse.Errors);
        var found = options.Endpoints(parse);
        Assert.Equal((plain, secure), (found.Plain?.Port ?? 0, found.Secure?.Port ?? 0));
    }
}
