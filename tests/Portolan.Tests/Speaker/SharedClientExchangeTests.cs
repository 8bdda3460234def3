using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Speaker.Layer2;
using Portolan.Speaker.Layer2.Truth;

namespace Portolan.Tests.Speaker;

public sealed class SharedClientExchangeTests
{
    [Theory]
    [InlineData("04 02005e100014")]
    [InlineData("04 01005e000001 c0a86414 c0a864f0")]
    [InlineData("07 02005e100014 c0a86414 c0a864f0")]
    public void WhatDoesNotReadIsPassedOver(string bytes)
    {
        using var meter = new Meter("test");
        using var announcer = new Layer2Announcer(InterfaceSelection.Default, Layer2Sockets.Here, new Layer2Counters(meter), new WireClaims(() => { }), NullLogger.Instance, _ => { });
        var exchange = new SharedClientExchange(announcer, (_, _) => Assert.Fail("nothing is shared"));
        exchange.Heard("node2", 0, Convert.FromHexString(bytes.Replace(" ", "")));
        exchange.Heard("node2", SharedClientExchange.MostParts, []);
        exchange.SharesChanged(["node1"]);
        exchange.Advance(0);
        Assert.Null(exchange.Deadline);
    }
}
