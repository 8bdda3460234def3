using Portolan.Protocols.Bfd;

namespace Portolan.Protocols.Tests.Bfd;

/// <summary>Two endpoints, 0 and 1, and the wire between them: packets arrive at once, time moves only when asked to.</summary>
internal sealed class Wire(BfdSettings? first = null, BfdSettings? second = null, int seed = 1)
{
    private const long Step = 1000;

    private readonly BfdSettings[] _settings = [first ?? BfdSettings.Every(300, 3), second ?? BfdSettings.Every(300, 3)];
    private readonly BfdEngine<int>?[] _engines = new BfdEngine<int>?[2];
    private readonly List<BfdTransition<int>>[] _transitions = [[], []];
    private readonly List<BfdRejection>[] _rejections = [[], []];
    private readonly byte[][] _buffers = [new byte[64], new byte[64]];
    private readonly int[] _lengths = new int[2];
    private readonly int[] _sent = new int[2];
    private int _generation;

    public BfdKey?[] Keys { get; } = new BfdKey?[2];

    /// <summary>Which side sets the C bit.</summary>
    public bool[] Independent { get; } = new bool[2];

    public long Now { get; private set; } = 5_000_000;

    /// <summary>Which side's packets are lost.</summary>
    public (bool From0, bool From1) Cut { get; set; }

    public static Wire Connected(BfdKey? key = null, int seed = 1)
    {
        var wire = new Wire(seed: seed) { Keys = { [0] = key, [1] = key } };
        wire.Start(0);
        wire.Start(1);
        wire.RunFor(1_000_000);
        return wire;
    }

    public void Start(int side)
    {
        _engines[side] = new BfdEngine<int>(_settings[side], new Random(unchecked(seed * 31 + ++_generation))) { ControlPlaneIndependent = Independent[side] };
        _engines[side]!.UseKey(Keys[side]);
        _engines[side]!.Add(1 - side, Now);
    }

    public void Kill(int side) => _engines[side] = null;

    public void Restart(int side)
    {
        Kill(side);
        Start(side);
    }

    public BfdEngine<int> Engine(int side) => _engines[side]!;
    public BfdSession Session(int side) => _engines[side]!.TryGet(1 - side, out var session) ? session : throw new InvalidOperationException();
    public BfdState State(int side) => Session(side).State;
    public IReadOnlyList<BfdTransition<int>> Transitions(int side) => _transitions[side];
    public IReadOnlyList<BfdRejection> Rejections(int side) => _rejections[side];
    public int Sent(int side) => _sent[side];
    public ReadOnlySpan<byte> LastPacket(int side) => _buffers[side].AsSpan(0, _lengths[side]);

    public void RunFor(long microseconds) => RunUntil(null, microseconds);

    public void RunUntil(Func<bool>? done, long limit)
    {
        for (var end = Now + limit; Now < end && done?.Invoke() is not true; Now += Step)
        {
            // Twice, so that an answer to a packet of this instant still leaves in this instant.
            for (var round = 0; round < 4; round++)
                Pump(round % 2);
        }
    }

    private void Pump(int side)
    {
        if (_engines[side] is not { } engine)
            return;
        while (engine.TryTakePacket(Now, _buffers[side], out _, out var length))
        {
            (_lengths[side], _sent[side]) = (length, _sent[side] + 1);
            var lost = side == 0 ? Cut.From0 : Cut.From1;
            if (lost || _engines[1 - side] is not { } other)
                continue;
            var rejection = other.Receive(side, _buffers[side].AsSpan(0, length), Now);
            if (rejection is not BfdRejection.None)
                _rejections[1 - side].Add(rejection);
        }

        while (engine.TryTakeTransition(out var transition))
            _transitions[side].Add(transition);
    }
}
