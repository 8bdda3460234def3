using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;
using static Portolan.Protocols.Bgp.Sessions.SessionActions;

namespace Portolan.Protocols.Tests.Bgp.Sessions;

public sealed class SessionMachineTests
{
    // RFC 4271 §8.2.2, a paragraph a row, with its numbers of events; 29 is RFC 9687's, 30 a ROUTE-REFRESH. "end" is: release all resources, drop the
    // connection, set the timers to zero. Rows with a star depart from the text, see SessionMachine.
    private const string Rfc = """
        state       | events                   | if      | next        | actions
        Idle        | 1 3                      | active  | Connect     | thaw zero dial retry
        Idle        | 1 3                      | passive | Active      | thaw zero retry
        Idle        | 13                       | active  | Connect     | thaw dial retry            *
        Idle        | 13                       | passive | Active      | thaw retry                 *
        Idle        | 2                        |         | Idle        | thaw zero                  *
        Idle        | 8-11 17-30               |         | Idle        |

        Connect     | 1 3                      |         | Connect     |
        Connect     | 2                        |         | Idle        | end zero
        Connect     | 9                        |         | Connect     | drop dial retry
        Connect     | 17                       |         | OpenSent    | retry-off open hold-large
        Connect     | 18                       |         | Idle        | end count damp             *
        Connect     | 21-22                    |         | Idle        | end count damp
        Connect     | 8 10-11 13 19 23 25-30   |         | Idle        | end count damp

        Active      | 1 3                      |         | Active      |
        Active      | 2                        |         | Idle        | end zero
        Active      | 9                        |         | Connect     | dial retry
        Active      | 17                       |         | OpenSent    | retry-off open hold-large
        Active      | 18                       |         | Idle        | end count damp             *
        Active      | 21-22                    |         | Idle        | end count damp
        Active      | 8 10-11 13 19 23 25-30   |         | Idle        | end count damp

        OpenSent    | 1 3                      |         | OpenSent    |
        OpenSent    | 2                        |         | Idle        | told end zero
        OpenSent    | 8                        |         | Idle        | told end count damp
        OpenSent    | 10                       |         | Idle        | 4/0 end count damp
        OpenSent    | 17                       |         | OpenSent    |
        OpenSent    | 18                       |         | Active      | drop hold-off retry count  *
        OpenSent    | 19                       | hold    | OpenConfirm | keepalive hold keep
        OpenSent    | 19                       | no hold | OpenConfirm | keepalive                  *
        OpenSent    | 21-22                    |         | Idle        | told end count damp
        OpenSent    | 23                       |         | Idle        | 6/7 end count damp
        OpenSent    | 25                       |         | Idle        | end count damp             *
        OpenSent    | 9 11 13 26-30            |         | Idle        | 5/1 end count damp

        OpenConfirm | 1 3                      |         | OpenConfirm |
        OpenConfirm | 2                        |         | Idle        | told end zero
        OpenConfirm | 8                        |         | Idle        | told end count damp
        OpenConfirm | 10                       |         | Idle        | 4/0 end count damp
        OpenConfirm | 11                       | hold    | OpenConfirm | keepalive keep
        OpenConfirm | 11                       | no hold | OpenConfirm | keepalive
        OpenConfirm | 17                       |         | OpenConfirm |
        OpenConfirm | 18 25                    |         | Idle        | end count damp
        OpenConfirm | 19                       |         | Idle        | 5/2 end count damp         *
        OpenConfirm | 21-22                    |         | Idle        | told end count damp
        OpenConfirm | 23                       |         | Idle        | 6/7 end count damp
        OpenConfirm | 26                       | hold    | Established | hold send-hold
        OpenConfirm | 26                       | no hold | Established | hold-off send-hold         *
        OpenConfirm | 9 13 27-30               |         | Idle        | 5/2 end count damp

        Established | 1 3                      |         | Established |
        Established | 2                        |         | Idle        | told end zero
        Established | 8                        |         | Idle        | told end count damp
        Established | 10                       |         | Idle        | 4/0 end count damp
        Established | 11                       | hold    | Established | keepalive keep
        Established | 11                       | no hold | Established | keepalive
        Established | 17                       |         | Established |
        Established | 18 25                    |         | Idle        | end count damp
        Established | 19                       |         | Idle        | 5/3 end count damp         *
        Established | 21                       |         | Idle        | told end count damp        *
        Established | 23                       |         | Idle        | 6/7 end count damp
        Established | 26-27 30                 | hold    | Established | hold
        Established | 26-27 30                 | no hold | Established |
        Established | 28                       |         | Idle        | told end count damp
        Established | 29                       |         | Idle        | 8/0 end count damp
        Established | 9 13 22                  |         | Idle        | 5/3 end count damp
        """;

    private static readonly SessionState[] States = Enum.GetValues<SessionState>();
    private static readonly SessionEvent[] Events = Enum.GetValues<SessionEvent>();

    public static TheoryData<SessionConditions> AllConditions =>
        [SessionConditions.None, SessionConditions.Passive, SessionConditions.NoHoldTime, SessionConditions.Passive | SessionConditions.NoHoldTime];

    [Theory]
    [MemberData(nameof(AllConditions))]
    public void FollowsTheRfc_InEveryStateForEveryEvent(SessionConditions conditions)
    {
        var table = Table(conditions);
        Assert.Equal(States.Length * Events.Length, table.Count);
        foreach (var state in States)
        {
            foreach (var happened in Events)
                Assert.Equal((state, happened, table[(state, happened)]), (state, happened, SessionMachine.Next(state, happened, conditions)));
        }
    }

    [Theory]
    [MemberData(nameof(AllConditions))]
    public void KeepsItsPromises_OverEverySequenceOfSixEvents(SessionConditions conditions)
    {
        // Sequences that led to the same are gone on with once, and counted.
        var lives = new Dictionary<Life, long> { [new Life(SessionState.Idle, None, false, false)] = 1 };
        for (var length = 1; length <= 6; length++)
        {
            var next = new Dictionary<Life, long>();
            foreach (var (life, sequences) in lives)
                foreach (var after in Events.Select(happened => life.After(happened, conditions)))
                    next[after] = sequences + next.GetValueOrDefault(after);
            lives = next;
        }

        Assert.Equal(64_000_000, Events.Length * Events.Length * Events.Length * Events.Length * Events.Length * Events.Length);
        Assert.Equal(64_000_000, lives.Values.Sum());
        Assert.Equal(States.Length, lives.Select(life => life.Key.State).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(AllConditions))]
    public void NeedsAnOpenAndAKeepalive_ToBeEstablished(SessionConditions conditions)
    {
        HashSet<(SessionState, int, int)> seen = [(SessionState.Idle, 0, 0)];
        for (var length = 1; length <= 6; length++)
        {
            seen = [.. seen.SelectMany(_ => Events, (life, happened) =>
            {
                var next = SessionMachine.Next(life.Item1, happened, conditions).State;
                return next < SessionState.OpenSent
                    ? (next, 0, 0)
                    : (next, life.Item2 | (happened is SessionEvent.BgpOpen ? 1 : 0), life.Item3 | (happened is SessionEvent.KeepaliveReceived ? 1 : 0));
            })];
        }

        Assert.Equal([(SessionState.Established, 1, 1)], seen.Where(life => life.Item1 is SessionState.Established));
    }

    private static Dictionary<(SessionState, SessionEvent), SessionStep> Table(SessionConditions conditions)
    {
        Dictionary<(SessionState, SessionEvent), SessionStep> table = [];
        foreach (var line in Rfc.Split('\n').Skip(1).Where(line => line.Trim().Length > 0))
        {
            var columns = line.Split('|').Select(column => column.Trim()).ToArray();
            var holds = columns[2] switch
            {
                "active" => !conditions.HasFlag(SessionConditions.Passive),
                "passive" => conditions.HasFlag(SessionConditions.Passive),
                "hold" => !conditions.HasFlag(SessionConditions.NoHoldTime),
                "no hold" => conditions.HasFlag(SessionConditions.NoHoldTime),
                _ => true,
            };
            if (!holds)
                continue;
            foreach (var happened in columns[1].Split(' ').SelectMany(Numbers).Where(number => Enum.IsDefined((SessionEvent)number)))
                table.Add((Enum.Parse<SessionState>(columns[0]), (SessionEvent)happened), Step(Enum.Parse<SessionState>(columns[3]), columns[4]));
        }

        return table;
    }

    private static IEnumerable<byte> Numbers(string range)
    {
        var ends = range.Split('-').Select(byte.Parse).ToArray();
        return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1).Select(number => (byte)number);
    }

    private static SessionStep Step(SessionState next, string words)
    {
        var step = new SessionStep(next, None);
        foreach (var word in words.Split([' ', '*'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (word.Contains('/', StringComparison.Ordinal))
                step = step with { Code = (BgpErrorCode)(word[0] - '0'), Subcode = (byte)(word[2] - '0') };
            step = step with { Actions = step.Actions | Actions(word) };
        }

        return step;
    }

    private static SessionActions Actions(string word) => word switch
    {
        "thaw" => StopIdleHold,
        "zero" => ClearCounter,
        "count" => RaiseCounter,
        "damp" => StartIdleHold,
        "dial" => Dial,
        "drop" => Drop,
        "end" => Drop | StopConnectRetry | StopHold | StopKeepalive | StopSendHold,
        "retry" => StartConnectRetry,
        "retry-off" => StopConnectRetry,
        "open" => SendOpen,
        "keepalive" => SendKeepalive,
        "hold-large" => StartOpenHold,
        "hold" => StartHold,
        "hold-off" => StopHold,
        "keep" => StartKeepalive,
        "send-hold" => StartSendHold,
        _ => SendNotification,
    };

    /// <summary>What a connection has been through, as far as the promises are about it.</summary>
    private sealed record Life(SessionState State, SessionActions Timers, bool Dialed, bool Opened)
    {
        private const SessionActions Hold = StartHold;

        public Life After(SessionEvent happened, SessionConditions conditions)
        {
            var step = SessionMachine.Next(State, happened, conditions);
            var actions = step.Actions;
            var what = $"{State} + {happened} -> {step}";

            if (actions.HasFlag(SendNotification))
            {
                Assert.True(State >= SessionState.OpenSent && actions.HasFlag(Drop) && step.State is SessionState.Idle, what);
                Assert.True(happened is not (SessionEvent.NotificationReceived or SessionEvent.TcpConnectionFails), what);
            }

            // One attempt and one OPEN for each connection, and none of either is left behind.
            var (dialed, opened) = (Dialed && !actions.HasFlag(Drop), Opened && !actions.HasFlag(Drop));
            Assert.False(actions.HasFlag(Dial) && (dialed || opened), what);
            Assert.False(actions.HasFlag(SendOpen) && opened, what);
            (dialed, opened) = (dialed || actions.HasFlag(Dial), opened || actions.HasFlag(SendOpen));
            Assert.Equal((what, step.State >= SessionState.OpenSent), (what, opened));
            if (step.State is SessionState.Connect)
                Assert.True(dialed, what);

            var timers = Timers;
            Change(StopConnectRetry, StartConnectRetry, StartConnectRetry);
            Change(StopHold, StartHold | StartOpenHold, Hold);
            Change(StopKeepalive, StartKeepalive, StartKeepalive);
            Change(StopSendHold, StartSendHold, StartSendHold);
            Change(StopIdleHold, StartIdleHold, StartIdleHold);

            // Exactly the timers of the state run: none too many, and none is missing that would end a wait.
            var agreed = conditions.HasFlag(SessionConditions.NoHoldTime) ? None : Hold | StartKeepalive;
            var stopped = step.State is SessionState.Idle && (happened is SessionEvent.ManualStop || (State is SessionState.Idle && !Timers.HasFlag(StartIdleHold)));
            Assert.Equal((what, step.State switch
            {
                SessionState.Idle => stopped ? None : StartIdleHold,
                SessionState.Connect or SessionState.Active => StartConnectRetry,
                SessionState.OpenSent => Hold,
                SessionState.OpenConfirm => Hold | agreed,
                _ => agreed | StartSendHold,
            }), (what, timers));
            return new Life(step.State, timers, dialed, opened);

            void Change(SessionActions stop, SessionActions start, SessionActions timer)
            {
                if ((actions & stop) != 0)
                    timers &= ~timer;
                if ((actions & start) != 0)
                    timers |= timer;
            }
        }
    }
}
