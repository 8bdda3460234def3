using System.Diagnostics.Metrics;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Hosting;
using Portolan.Speaker;

namespace Portolan.Tests.Speaker;

public sealed class SpeakerMetricsTests
{
    [Fact]
    public void WhatIsAnnounced_IsShownForEachProtocol()
    {
        using var meter = new Meter("test");
        using var exposition = new MetricsExposition(meter);
        var metrics = new SpeakerMetrics(meter, "node1");
        var (web, address) = (new ObjectKey("default", "web"), IpAddress.Parse("192.168.100.240"));
        var byBgp = new List<(ObjectKey, IpAddress)> { (web, address), (web, IpAddress.Parse("fd00::1")) };
        metrics.Announced([(web, address)]);
        metrics.AnnouncedByBgp(() => byBgp);
        Assert.Equal(["""bgp 192.168.100.240""", "bgp fd00::1", "layer2 192.168.100.240"], Shown());
        byBgp.Clear();
        Assert.Equal(["layer2 192.168.100.240"], Shown());

        List<string> Shown() =>
        [
            .. exposition.Render().Split('\n').Where(line => line.StartsWith("metallb_speaker_announced{", StringComparison.Ordinal)).Select(line =>
            {
                Assert.Contains("service=\"default/web\"", line, StringComparison.Ordinal);
                Assert.Contains("node=\"node1\"", line, StringComparison.Ordinal);
                Assert.EndsWith(" 1", line, StringComparison.Ordinal);
                return $"{Label(line, "protocol")} {Label(line, "ip")}";
            }).Order(StringComparer.Ordinal),
        ];
    }

    private static string Label(string line, string name) => line.Split($"{name}=\"")[1].Split('"')[0];
}
