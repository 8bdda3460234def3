using Portolan.Core.Addresses;
using Portolan.Hosting;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller;

/// <summary>One Service in <see cref="ServiceStatusWriter"/>'s hands: what the server has, what it should have, and how the attempts have gone.</summary>
internal sealed class StatusTarget(Service observed)
{
    /// <summary>The longest pause between two attempts.</summary>
    public static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(5);

    private int _pauses;
    private ITimer? _pause;

    public Service Observed { get; set; } = observed;

    public Decision? Desired { get; set; }

    public bool IsQueued { get; set; }

    public bool Gone { get; set; }

    /// <summary>Queued until the address it is to have is gone from another's status.</summary>
    public bool IsWaiting { get; set; }

    /// <summary>What its status shows, or may show, and is to show no longer.</summary>
    public IReadOnlyList<IpAddress> Leaving { get; set; } = [];

    /// <summary>What the last write was to bring, while nobody knows whether it has.</summary>
    public IReadOnlyList<IpAddress> Attempted { get; set; } = [];

    /// <summary>The watch is being given time to tell.</summary>
    public bool IsDoubted { get; set; }

    public TimeSpan Pause { get; set; }

    public BackOff Pauses { get; } = new(TimeSpan.FromMilliseconds(100), LongestRest);

    /// <summary>Conflicts in a row.</summary>
    public int Conflicts { get; set; }

    /// <summary>What the server refused with last, or null.</summary>
    public string? Refusal { get; set; }

    /// <summary>What was last written, and how often it was gone again.</summary>
    public Decision? Written { get; set; }

    public long WrittenAt { get; set; }

    public int Reverts { get; set; }

    public void BeginPause(Func<int, ITimer> start) => _pause = start(++_pauses);

    public bool IsPaused(int pause) => _pause is not null && _pauses == pause;

    public void EndPause()
    {
        if (_pause is null)
            return;
        _pause.Dispose();
        (_pause, IsQueued) = (null, false);
    }
}
