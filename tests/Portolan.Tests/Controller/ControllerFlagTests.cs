using Portolan.Commands;

namespace Portolan.Tests.Controller;

/// <summary>The command lines that MetalLB's manifests and charts give their controller.</summary>
public sealed class ControllerFlagTests
{
    [Theory]
    [InlineData("--port=7472 --log-level=info")]                                                                                        // 0.13.9, as Kubespray installs it
    [InlineData("--port=7472 --log-level=info --lb-class=metallb --webhook-mode=enabled")]
    [InlineData("--port=7472 --log-level=info --cert-service-name=metallb-webhook-service --webhook-mode=disabled")]                     // 0.13's chart
    [InlineData("--port=9120 --log-level=info")]                                                                                        // 0.16
    [InlineData("--port=9120 --log-level=info --webhook-mode=enabled --tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 --tls-curve-preferences=X25519,CurveP256 --tls-min-version=VersionTLS12 --metrics-cert-dir=/etc/metrics")]
    [InlineData("--namespace=x --ml-secret-name=s --deployment=controller --pod-name=p --webhook-secret=w --webhook-http2 --disable-cert-rotation --cert-dir=/c --pprof-bind-address=127.0.0.1:6060 --health-probe-port=0 --port=0")]
    [InlineData("--leader-elect=false")]
    [InlineData("--leader-elect --leader-elect-lease-duration=15s --leader-elect-renew-deadline=10s --leader-elect-retry-period=2s --leader-elect-resource-name=n --leader-elect-resource-namespace=ns")]
    public void AreUnderstood(string arguments) => Assert.Empty(CommandTree.Create().Parse("controller " + arguments).Errors.Select(error => error.Message));

    [Theory]
    [InlineData("--leader-elect-lease-duration=soon", "--leader-elect-lease-duration: 'soon' is not a duration like 4s or 500ms")]
    [InlineData("--leader-elect-renew-deadline=5s", "--leader-elect: the renew deadline must be shorter than the lease duration")]
    [InlineData("--leader-elect-lease-duration=4500ms", "--leader-elect: the lease duration must be a whole number of seconds, 1s at least")]
    [InlineData("--secure-port=70000", "70000")]
    [InlineData("--host=here", "'here' is not an IP address")]
    public void WhatCannotWorkIsRefusedWithTheReason(string arguments, string expected) =>
        Assert.Contains(expected, string.Join('\n', CommandTree.Create().Parse("controller " + arguments).Errors.Select(error => error.Message)), StringComparison.Ordinal);

    [Fact]
    public void TheTimesDoNotMatter_WhereNobodyIsElected() =>
        Assert.Empty(CommandTree.Create().Parse("controller --leader-elect=false --leader-elect-renew-deadline=5s").Errors);
}
