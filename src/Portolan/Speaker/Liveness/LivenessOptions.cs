using System.CommandLine;
using Microsoft.Extensions.Logging;
using Portolan.Bfd;
using Portolan.Core.Addresses;
using Portolan.Hosting;
using Portolan.Protocols.Bfd;
using Portolan.Proxy.Programmed;

namespace Portolan.Speaker.Liveness;

/// <summary>How fast a dead speaker is noticed by the others.</summary>
internal enum LivenessProfile
{
    /// <summary>After 300 ms: three packets, 100 ms apart.</summary>
    Default,

    /// <summary>After 150 ms: three packets, 50 ms apart.</summary>
    Fast,
}

/// <summary>Where and how the sessions between speakers are held.</summary>
internal sealed class LivenessOptions
{
    // A collection of garbage must not look like a death where the sessions share a process with the rest of the speaker.
    private static readonly BfdSettings Own = BfdSettings.Every(300, 3);

    private readonly Option<string> _profile = new("--liveness-profile")
    {
        Description = "How fast a dead speaker is noticed: default (300 ms) or fast (150 ms); without a bfd process after 900 ms (PORTOLAN_LIVENESS_PROFILE).",
        DefaultValueFactory = _ => RoleOptions.FromEnvironment("PORTOLAN_LIVENESS_PROFILE", "default"),
    };

    private readonly Option<string> _socket = new("--bfd-socket")
    {
        Description = "Unix socket of the bfd process that holds the sessions between speakers; empty: this process holds them, more slowly (PORTOLAN_BFD_SOCKET).",
        DefaultValueFactory = _ => RoleOptions.FromEnvironment("PORTOLAN_BFD_SOCKET", ""),
    };

    public LivenessOptions()
    {
        // What the environment says is checked like what is typed.
        _profile.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is not ("default" or "fast") and var profile)
                result.AddError($"--liveness-profile: '{profile}' is neither default nor fast");
        });
        _socket.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { Length: > 0 } path && !SocketFile.IsPossible(path))
                result.AddError($"--bfd-socket: '{path}' is not the full path of a socket (107 bytes at most)");
        });
    }

    public void AddTo(Command command)
    {
        command.Add(_socket);
        command.Add(_profile);
    }

    public SpeakerOptions Read(ParseResult parse, SpeakerOptions options) => options with
    {
        BfdSocket = parse.GetValue(_socket)!,
        LivenessProfile = parse.GetValue(_profile) is "fast" ? LivenessProfile.Fast : LivenessProfile.Default,
    };

    /// <summary>Whoever holds the sessions by these options.</summary>
    /// <param name="options">The speaker's.</param>
    /// <param name="onTransition">Told of sessions between speakers.</param>
    /// <param name="onNeighbor">Told of sessions with neighbours, as <see cref="WantedSessions"/> says; null: nobody is.</param>
    /// <param name="log">Where to.</param>
    public static ISessionHolder Holder(
        SpeakerOptions options, Action<BfdTransition<IpAddress>> onTransition, ILogger log, Action<BfdTransition<SessionName>>? onNeighbor = null) => options.BfdSocket.Length == 0
        ? new BfdEndpoint(Own, onTransition, onNeighbor ?? (_ => { }), log)
        : new BfdClient(options.BfdSocket, BfdSettings.Every(options.LivenessProfile is LivenessProfile.Fast ? 50 : 100, 3), onTransition, onNeighbor ?? (_ => { }), log);
}
