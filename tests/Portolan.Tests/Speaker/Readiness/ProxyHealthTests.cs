using Portolan.Proxy.Programmed;
using Portolan.Speaker.Readiness;

namespace Portolan.Tests.Speaker.Readiness;

public sealed class ProxyHealthTests
{
    private const long Start = 50_000_000;
    private readonly ProxyHealth _health = new(Start);

    [Fact]
    public void WaitsAMomentForAProxyAtFirst_AndThenBelievesThatThereIsNone()
    {
        Assert.True(_health.IsNotProgramming(Start));
        Assert.Equal(Start + ProxyHealth.FirstLook, _health.Deadline(Start));
        Assert.True(_health.IsNotProgramming(Start + ProxyHealth.FirstLook - 1));
        Assert.False(_health.IsNotProgramming(Start + ProxyHealth.FirstLook));
        Assert.Null(_health.Deadline(Start + ProxyHealth.FirstLook));
        Assert.Equal(ProxySource.None, _health.Source);
    }

    [Fact]
    public void IsWell_OnceTheProxyHasToldEverything_AndNotBefore()
    {
        _health.On(ProxyConnection.Connected, Start);
        var later = Start + ProxyHealth.FirstLook + 1;
        Assert.True(_health.IsNotProgramming(later)); // it is there, and has never caught up
        Assert.Null(_health.Deadline(later));
        _health.On(ProxyConnection.Synced, later);
        Assert.False(_health.IsNotProgramming(later));
        Assert.Equal(ProxySource.Socket, _health.Source);
    }

    [Fact]
    public void ForgivesARestart_ButNotADeath()
    {
        _health.On(ProxyConnection.Synced, Start);
        _health.On(ProxyConnection.Absent, Start + 1);
        Assert.False(_health.IsNotProgramming(Start + 2));
        Assert.Equal(Start + 1 + ProxyHealth.Patience, _health.Deadline(Start + 2));
        _health.On(ProxyConnection.Connected, Start + 3); // back, and still reading
        Assert.False(_health.IsNotProgramming(Start + ProxyHealth.Patience));
        Assert.True(_health.IsNotProgramming(Start + 1 + ProxyHealth.Patience));
        _health.On(ProxyConnection.Synced, Start + 2 + ProxyHealth.Patience);
        Assert.False(_health.IsNotProgramming(Start + 2 + ProxyHealth.Patience));
    }

    [Fact]
    public void BelievesTheHealthCheck_WhereNobodyListensAtTheSocket()
    {
        _health.OnHealthz(true, Start);
        Assert.False(_health.IsNotProgramming(Start));
        Assert.Equal(ProxySource.Healthz, _health.Source);
        _health.OnHealthz(false, Start + 1);
        Assert.False(_health.IsNotProgramming(Start + 2));
        Assert.True(_health.IsNotProgramming(Start + 1 + ProxyHealth.Patience));
        _health.OnHealthz(null, Start + 2 + ProxyHealth.Patience); // and now it is gone
        Assert.True(_health.IsNotProgramming(Start + 3 + ProxyHealth.Patience));
    }

    [Fact]
    public void AKubeProxyThatIsNotReadyYet_IsNotBelievedAbsent()
    {
        _health.OnHealthz(false, Start);
        Assert.True(_health.IsNotProgramming(Start + ProxyHealth.FirstLook + 1));
    }

    [Fact]
    public void ForgetsTheHealthCheck_WhenTheProxyOfTheSocketComes()
    {
        _health.OnHealthz(true, Start);
        _health.On(ProxyConnection.Synced, Start + 1);
        _health.On(ProxyConnection.Absent, Start + 2);
        Assert.True(_health.IsNotProgramming(Start + 2 + ProxyHealth.Patience));
    }
}
