using Portolan.Protocols.Bfd;
using Portolan.Rig;

namespace Portolan.Bench.Bgp;

/// <summary>A BIRD that is killed and started again, and somebody on the other end of its wire who has a BFD session with it.</summary>
internal sealed class WatchedPeer : IDisposable
{
    private const string Here = "10.78.0.1";
    private const string There = "10.78.0.2";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly NetworkNamespace _here = new("bfd-here");
    private readonly NetworkNamespace _there = new("bfd-there");
    private readonly LastHeard _tap;
    private readonly BirdBfd _peer;
    private readonly IBfdSide _watcher;
    private DateTime _started;

    private WatchedPeer(bool isOurs, int milliseconds, int multiplier)
    {
        _here.Wire("eth0", _there, "eth0");
        _here.Link($"addr add {Here}/24 dev eth0");
        _there.Link($"addr add {There}/24 dev eth0");
        _tap = new LastHeard(_here);
        _peer = new BirdBfd(_there, [(There, Here)], milliseconds, multiplier);
        if (isOurs)
        {
            var node = new BfdNode(_here);
            node.Hold([(Here, There)], BfdSettings.Every(milliseconds, (byte)multiplier));
            _watcher = node;
        }
        else
        {
            var bird = new BirdBfd(_here, [(Here, There)], milliseconds, multiplier);
            bird.Start();
            _watcher = bird;
        }
    }

    /// <summary>With us as the one who watches.</summary>
    public static async Task<WatchedPeer> OursAsync(int milliseconds, int multiplier)
    {
        var watched = new WatchedPeer(isOurs: true, milliseconds, multiplier);
        await ((BfdNode)watched._watcher).ReadyAsync();
        return watched;
    }

    /// <summary>With another BIRD.</summary>
    public static WatchedPeer Birds(int milliseconds, int multiplier) => new(isOurs: false, milliseconds, multiplier);

    public void Start()
    {
        _started = DateTime.UtcNow;
        _peer.Start();
    }

    /// <summary>Waits until the session is up.</summary>
    public Task UpAsync() => LabCluster.UntilAsync(() => Task.FromResult(_watcher.Changes is [.., { IsUp: true } last] && last.At > _started), "the session with the peer is up");

    /// <summary>Kills the peer without warning.</summary>
    /// <returns>How long after that, and after its last packet, its death was known, in milliseconds; null when it was not.</returns>
    public async Task<(double AfterKill, double AfterPacket)?> KillAsync()
    {
        var killed = DateTime.UtcNow;
        _peer.Kill();
        return await _watcher.LostAsync(killed, Patience) is { } known ? ((known - killed).TotalMilliseconds, (known - _tap.At).TotalMilliseconds) : null;
    }

    public void Dispose()
    {
        _watcher.Dispose();
        _peer.Dispose();
        _tap.Dispose();
        _there.Dispose();
        _here.Dispose();
    }
}
