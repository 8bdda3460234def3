using System.Net;
using System.Net.Sockets;
using Portolan.Linux.Links;
using Portolan.Speaker.Readiness;

namespace Portolan.Tests.Speaker.Readiness;

public sealed class GatewayReachabilityTests
{
    private const long Second = 1_000_000;
    private static readonly DefaultGateway V4 = new(2, IPAddress.Parse("192.168.100.1"), AddressFamily.InterNetwork);
    private static readonly DefaultGateway Other4 = new(3, IPAddress.Parse("192.168.101.1"), AddressFamily.InterNetwork);
    private static readonly DefaultGateway V6 = new(2, IPAddress.Parse("fe80::1"), AddressFamily.InterNetworkV6);
    private readonly GatewayReachability _gateways = new();

    private void Begin(params DefaultGateway[] gateways)
    {
        _gateways.Set(gateways, 0);
        _gateways.SetNeeded(true, 0);
    }

    // Time passes in seconds; these answer at once.
    private void Pass(long from, long to, params DefaultGateway[] answering)
    {
        for (var now = from * Second; now <= to * Second; now += Second)
        {
            foreach (var (gateway, _) in _gateways.TakeDue(now))
            {
                if (answering.Contains(gateway))
                    _gateways.Answered(gateway, now);
            }
        }
    }

    [Fact]
    public void AsksNobody_WhereNothingCouldBeAnnounced_OrThereIsNoGateway()
    {
        _gateways.Set([V4], 0);
        Assert.Empty(_gateways.TakeDue(0));
        Assert.Null(_gateways.Deadline);
        Begin();
        Assert.Empty(_gateways.TakeDue(9 * Second));
        Assert.Null(_gateways.Deadline);
        Assert.False(_gateways.IsUnreachable);
    }

    [Fact]
    public void AsksEachOnceASecond_AndNotWhereSomethingElseShowedThatItAnswers()
    {
        Begin(V4, V6);
        Assert.Equal([(V4, true), (V6, true)], _gateways.TakeDue(0));
        Assert.Empty(_gateways.TakeDue(Second - 1));
        _gateways.Answered(V6, Second - 1); // others' traffic made the kernel ask
        Assert.Equal([(V4, false)], _gateways.TakeDue(Second));
        Assert.Equal([(V6, true)], _gateways.TakeDue(2 * Second - 1));
    }

    [Fact]
    public void IsUnreachable_AfterThreeUnansweredInARow_AndReachableWithOneAnswer()
    {
        Begin(V4);
        Pass(0, 5, V4);
        Pass(6, 8);
        Assert.False(_gateways.IsUnreachable); // asked thrice, two of them judged
        _gateways.TakeDue(9 * Second);
        Assert.True(_gateways.IsUnreachable);
        Assert.Equal([V4], _gateways.Silent);
        _gateways.Answered(V4, 9 * Second + 1);
        Assert.False(_gateways.IsUnreachable);
        Pass(11, 12);
        Pass(13, 13, V4); // not in a row
        Pass(14, 16);
        Assert.False(_gateways.IsUnreachable);
    }

    [Fact]
    public void DoesNotBelieveItself_WhenItWasHeldUp()
    {
        Begin(V4);
        for (var i = 0; i < 10; i++)
            _gateways.TakeDue(i * (Second + Second * 6 / 10));
        Assert.False(_gateways.IsUnreachable);
    }

    [Fact]
    public void OneOfAFamilysGatewaysSuffices()
    {
        Begin(V4, Other4);
        Pass(0, 9, Other4);
        Assert.Equal([V4], _gateways.Silent);
        Assert.False(_gateways.IsUnreachable);
        Pass(10, 19);
        Assert.True(_gateways.IsUnreachable);
    }

    [Fact]
    public void AFamilyThatNeverWorkedHere_DoesNotHideTheOther()
    {
        Begin(V4, V6);
        Pass(0, 9, V4);
        Assert.False(_gateways.IsUnreachable);
        Pass(10, 19);
        Assert.True(_gateways.IsUnreachable);
    }

    [Fact]
    public void AFamilyThatWorkedIsMissed()
    {
        Begin(V4, V6);
        Pass(0, 3, V4, V6);
        Pass(4, 9, V4);
        Assert.True(_gateways.IsUnreachable);
    }

    [Fact]
    public void IsUnreachable_WhereNoneHasEverAnswered()
    {
        Begin(V4, V6);
        Pass(0, 3);
        Assert.True(_gateways.IsUnreachable);
        _gateways.Set([], 4 * Second); // the routes are gone
        Assert.False(_gateways.IsUnreachable);
    }

    [Fact]
    public void ForgetsItsCount_WhenNothingIsAnnouncedAnyMore()
    {
        Begin(V4);
        Pass(0, 3);
        _gateways.SetNeeded(false, 4 * Second);
        Assert.False(_gateways.IsUnreachable);
        _gateways.SetNeeded(true, 5 * Second);
        Assert.False(_gateways.IsUnreachable);
        Assert.Single(_gateways.TakeDue(5 * Second));
    }
}
