using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bfd;

/// <summary>How somebody else's session is configured.</summary>
/// <param name="Multihop">Whether routers may be between.</param>
/// <param name="Passive">Whether it waits for us.</param>
/// <param name="Send">Its desired interval of sending, milliseconds.</param>
/// <param name="Receive">The least interval of receiving, milliseconds.</param>
/// <param name="Authentication">For BIRD: its statement.</param>
internal sealed record ForeignSession(bool Multihop = false, bool Passive = false, int Send = 300, int Receive = 300, string Authentication = "");

/// <summary>Somebody else's BFD in a namespace, with one session to us, of multiplier 5.</summary>
internal abstract class ForeignDaemon(NetworkNamespace where, string local, string peer, ForeignSession session) : IDisposable
{
    private Process? _process;

    /// <summary>How it is spoken of in test names.</summary>
    public static ForeignDaemon Create(string name, NetworkNamespace where, string local, string peer, ForeignSession? session = null) =>
        name == "bird" ? new Bird(where, local, peer, session ?? new()) : new Frr(where, local, peer, session ?? new());

    protected string Local => local;

    protected string Peer => peer;

    protected ForeignSession Session { get; set; } = session;

    protected string Folder { get; } = Directory.CreateTempSubdirectory("bfd-foreign").FullName;

    /// <summary>What it thinks of its session: up, down, and so on; empty when it does not answer.</summary>
    public string State => Look().State;

    /// <summary>After how many milliseconds of our silence it gives us up.</summary>
    public int DetectionTime => Look().DetectionTime;

    public void Start()
    {
        Prepare();
        var command = Command;
        _process = Process.Start(new ProcessStartInfo("ip", $"netns exec {where.Name} {command}") { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Ends it without a word.</summary>
    public void Kill()
    {
        _process?.Kill();
        _process?.WaitForExit();
        _process?.Dispose();
        _process = null;
    }

    /// <summary>Has its operator take the session down.</summary>
    public abstract void Disable();

    /// <summary>Why it thinks that its session is down; empty where it does not say.</summary>
    public virtual string Diagnostic => "";

    /// <summary>Changes how often it sends while it runs.</summary>
    public abstract void SendEach(int milliseconds);

    public void AwaitState(string state) =>
        Assert.True(SpinWait.SpinUntil(() => string.Equals(State, state, StringComparison.OrdinalIgnoreCase), TimeSpan.FromSeconds(60)), $"it is {State}, not {state}");

    public void AwaitDetectionTime(int milliseconds) =>
        Assert.True(SpinWait.SpinUntil(() => DetectionTime == milliseconds, TimeSpan.FromSeconds(60)), $"it waits for {DetectionTime} ms, not {milliseconds}");

    public void Dispose()
    {
        Kill();
        Directory.Delete(Folder, recursive: true);
    }

    protected abstract string Command { get; }

    protected abstract void Prepare();

    protected abstract (string State, int DetectionTime) Look();

    protected static string Ask(string program, string arguments)
    {
        try
        {
            return NetworkNamespace.Run(program, arguments);
        }
        catch (InvalidOperationException)
        {
            return ""; // it is not there (yet)
        }
    }

    private sealed class Bird(NetworkNamespace where, string local, string peer, ForeignSession session) : ForeignDaemon(where, local, peer, session)
    {
        protected override string Command => $"bird -f -c {Folder}/bird.conf -s {Folder}/ctl";

        public override void Disable() => Ask("birdc", $"-s {Folder}/ctl disable bfd1");

        public override void SendEach(int milliseconds)
        {
            Session = Session with { Send = milliseconds };
            Prepare();
            Ask("birdc", $"-s {Folder}/ctl configure");
        }

        protected override void Prepare() => File.WriteAllText($"{Folder}/bird.conf", $$"""
            router id 192.168.100.101;
            protocol device {}
            protocol bfd bfd1 {
              {{(Session.Multihop ? "multihop" : "interface \"eth0\"")}} {
                min rx interval {{Session.Receive}} ms; min tx interval {{Session.Send}} ms; multiplier 5; passive {{(Session.Passive ? "on" : "off")}}; {{Session.Authentication}}
              };
              neighbor {{Peer}} {{(Session.Multihop ? "" : "dev \"eth0\"")}} local {{Local}} {{(Session.Multihop ? "multihop on" : "")}};
            }
            """);

        protected override (string, int) Look()
        {
            // Address, interface, state, since, interval, time-out.
            var row = Regex.Match(Ask("birdc", $"-s {Folder}/ctl show bfd sessions"), @"(?m)^\S+ +(?:eth0|---) +(\w+) +\S+ +[\d.]+ +([\d.]+)$");
            return row.Success ? (row.Groups[1].Value, (int)(1000 * decimal.Parse(row.Groups[2].Value, CultureInfo.InvariantCulture))) : ("", 0);
        }
    }

    private sealed class Frr(NetworkNamespace where, string local, string peer, ForeignSession session) : ForeignDaemon(where, local, peer, session)
    {
        private string Name => $"peer {Peer} {(Session.Multihop ? "multihop " : "")}local-address {Local}";

        protected override string Command => $"/usr/lib/frr/bfdd -f {Folder}/bfdd.conf -z {Folder}/zserv --vty_socket {Folder} --bfdctl {Folder}/ctl -i {Folder}/pid -A 127.0.0.1 -P 0";

        public override string Diagnostic => (string?)Ask()?["diagnostic"] ?? "";

        public override void Disable() => Configure("shutdown");

        public override void SendEach(int milliseconds) => Configure($"transmit-interval {milliseconds}");

        protected override void Prepare()
        {
            // It becomes the user frr, and keeps its sockets here.
            File.SetUnixFileMode(Folder, (UnixFileMode)0x1ff);
            File.WriteAllText($"{Folder}/bfdd.conf", $"""
                bfd
                 {Name}
                  receive-interval {Session.Receive}
                  transmit-interval {Session.Send}
                  detect-multiplier 5
                  {(Session.Passive ? "passive-mode" : "no passive-mode")}
                  no shutdown
                 exit
                exit

                """);
        }

        protected override (string, int) Look()
        {
            if (Ask() is not { } peer)
                return ("", 0);
            return ((string)peer["status"]!, (int?)peer["remote-detect-multiplier"] * Math.Max((int)peer["receive-interval"]!, (int?)peer["remote-transmit-interval"] ?? 0) ?? 0);
        }

        private JsonNode? Ask()
        {
            var answer = Ask("vtysh", $"--vty_socket {Folder} -d bfdd -c \"show bfd peers json\"");
            return answer.StartsWith('[') && JsonNode.Parse(answer) is JsonArray { Count: 1 } peers ? peers[0] : null;
        }

        private void Configure(string line) => Ask("vtysh", $"--vty_socket {Folder} -d bfdd -c \"configure terminal\" -c bfd -c \"{Name}\" -c \"{line}\"");
    }
}
