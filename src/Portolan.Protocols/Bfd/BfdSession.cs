namespace Portolan.Protocols.Bfd;

/// <summary>
/// One BFD session in asynchronous mode (RFC 5880 §6): the state machine, the timers and the authentication, without
/// sockets and without a clock. Times are microseconds of a clock that never goes back, passed in. Not thread safe.
/// </summary>
/// <remarks>
/// <code>
///                     heard Down                    heard Init, Up
///            Down ───────────────────▶ Init ───────────────────────▶ Up
///             ▲ └── heard Init ────────────────────────────────────▶ │
///             └── detection time expired, heard Down (Up only), heard AdminDown ◀─┘
/// </code>
/// </remarks>
public sealed class BfdSession
{
    private readonly Random _random;
    private BfdSettings _settings;

    // What our packets say, and what our timers use: they differ while a poll sequence has not ended (RFC 5880 §6.8.3).
    private uint _saidMinTx;
    private uint _saidMinRx;
    private uint _minTx;
    private uint _minRx;
    private bool _polling;
    private bool _pollAgain;
    private bool _finalDue;

    private byte _remoteMultiplier;
    private uint _remoteMinTx;
    private uint _remoteMinRx = 1;
    private bool _remoteDemand;

    private BfdKey? _key;
    private uint _sendSequence;
    private uint _heardSequence;
    private bool _heardSequenceKnown;

    private long _lastSent;
    private long _nextSend;
    private long _lastHeard;

    /// <param name="settings">Intervals and multiplier.</param>
    /// <param name="discriminator">Our name of the session: not zero, unique among our sessions.</param>
    /// <param name="key">Signs and checks packets; null: no authentication.</param>
    /// <param name="random">For jitter and the first sequence number.</param>
    /// <param name="now">The present, microseconds.</param>
    public BfdSession(BfdSettings settings, uint discriminator, BfdKey? key, Random random, long now)
    {
        ArgumentOutOfRangeException.ThrowIfZero(discriminator);
        ArgumentOutOfRangeException.ThrowIfZero(settings.DetectMultiplier, nameof(settings));
        (_settings, Discriminator, _key, _random) = (settings, discriminator, key, random);
        _sendSequence = (uint)random.NextInt64(uint.MaxValue);
        _saidMinTx = _minTx = Math.Max(settings.DesiredMinTx, BfdSettings.SlowInterval);
        _saidMinRx = _minRx = settings.RequiredMinRx;
        _lastSent = _nextSend = _lastHeard = now;
    }

    /// <summary>Our name of the session.</summary>
    public uint Discriminator { get; }

    /// <summary>Whether our packets say that the session does not die with the protocols that use it: the C bit (RFC 5880 §4.1).</summary>
    public bool ControlPlaneIndependent { get; init; }

    /// <summary>Our state.</summary>
    public BfdState State { get; private set; } = BfdState.Down;

    /// <summary>Why we last left Up.</summary>
    public BfdDiagnostic Diagnostic { get; private set; }

    /// <summary>The other side's state as last heard; Down when it has not been heard for a detection time.</summary>
    public BfdState RemoteState { get; private set; } = BfdState.Down;

    /// <summary>The other side's name of the session, or zero.</summary>
    public uint RemoteDiscriminator { get; private set; }

    /// <summary>The other side's C bit as last heard, also after its silence: what that means depends on the bit (RFC 5882 §4.3).</summary>
    public bool RemoteIsIndependent { get; private set; }

    /// <summary>Packets that were written.</summary>
    public long Sent { get; private set; }

    /// <summary>Packets that were believed.</summary>
    public long Received { get; private set; }

    /// <summary>How often it came up.</summary>
    public long Ups { get; private set; }

    /// <summary>How often it left Up, on purpose or not.</summary>
    public long Downs { get; private set; }

    /// <summary>Silence that takes the session down: microseconds, or zero while nothing has been heard.</summary>
    public long DetectionTime => _remoteMultiplier * ReceiveInterval;

    /// <summary>The interval that the other side keeps, before jitter: microseconds.</summary>
    public long ReceiveInterval => Math.Max(_minRx, _remoteMinTx);

    /// <summary>Our interval before jitter: microseconds.</summary>
    public long SendInterval => Math.Max(_minTx, _remoteMinRx);

    /// <summary>When <see cref="Advance"/> next has something to do: microseconds, <see cref="long.MaxValue"/> for never.</summary>
    public long Deadline
    {
        get
        {
            var send = _finalDue ? long.MinValue : SendsPeriodically ? _nextSend : long.MaxValue;
            return RemoteDiscriminator == 0 ? send : Math.Min(send, _lastHeard + DetectionTime);
        }
    }

    // Whoever says goodbye sends slowly, so that the others would remember its sequence number for twice three seconds and not believe it before, should it
    // come back with another one (§6.8.1). With a multiplier of 1 they forget it after two.
    private byte Multiplier => State is BfdState.AdminDown ? (byte)1 : _settings.DetectMultiplier;

    // RFC 5880 §6.8.7: not when the other side can receive nothing, nor when it has yet to begin, nor when it asked for silence and both are up.
    private bool SendsPeriodically =>
        _remoteMinRx != 0 && !(_settings.Passive && RemoteDiscriminator == 0) && !(_remoteDemand && State is BfdState.Up && RemoteState is BfdState.Up && !_polling);

    /// <summary>Takes a packet that parsed and belongs to this session.</summary>
    /// <param name="packet">The parsed packet.</param>
    /// <param name="datagram">The bytes it was parsed from.</param>
    /// <param name="now">The present, microseconds.</param>
    public BfdRejection Receive(in BfdPacket packet, ReadOnlySpan<byte> datagram, long now)
    {
        // A detection time that has passed has passed, even if a late packet is read before the timer is looked at.
        ExpireIfSilent(now);
        var rejection = Authenticate(packet, datagram, now);
        if (rejection is not BfdRejection.None)
            return rejection;

        var interval = SendInterval;
        RemoteDiscriminator = packet.MyDiscriminator;
        RemoteState = packet.State;
        RemoteIsIndependent = packet.Has(BfdFlags.ControlPlaneIndependent);
        Received++;
        _remoteDemand = packet.Has(BfdFlags.Demand);
        _remoteMinTx = packet.DesiredMinTx;
        _remoteMinRx = packet.RequiredMinRx;
        _remoteMultiplier = packet.DetectMultiplier;
        _lastHeard = now;
        if (_polling && packet.Has(BfdFlags.Final))
        {
            _polling = _pollAgain;
            if (!_polling)
                (_minTx, _minRx) = (_saidMinTx, _saidMinRx);
            _pollAgain = false;
        }

        if (State is BfdState.AdminDown)
            return BfdRejection.AdministrativelyDown;
        switch (State, packet.State)
        {
            case (BfdState.Up or BfdState.Init, BfdState.AdminDown):
            case (BfdState.Up, BfdState.Down):
                Change(BfdState.Down, BfdDiagnostic.NeighborSignaledDown, now);
                break;
            case (BfdState.Down, BfdState.Down):
                Change(BfdState.Init, Diagnostic, now);
                break;
            case (BfdState.Down, BfdState.Init):
            case (BfdState.Init, BfdState.Init or BfdState.Up):
                Change(BfdState.Up, BfdDiagnostic.None, now);
                break;
            default:
                if (SendInterval != interval)
                    Schedule(_lastSent);
                break;
        }

        _finalDue |= packet.Has(BfdFlags.Poll);
        return BfdRejection.None;
    }

    /// <summary>Lets time pass: takes the session down after silence, and writes the next packet if one is due.</summary>
    /// <param name="now">The present, microseconds.</param>
    /// <param name="buffer">At least 52 bytes.</param>
    /// <returns>The length of the packet to send, or 0. After a packet, call again: a final and a periodic one may both be due.</returns>
    public int Advance(long now, Span<byte> buffer)
    {
        ExpireIfSilent(now);
        if (_finalDue)
        {
            // As soon as possible, and without touching the periodic schedule (RFC 5880 §6.8.7).
            _finalDue = false;
            return Write(buffer, BfdFlags.Final);
        }

        if (!SendsPeriodically || now < _nextSend)
            return 0;
        _lastSent = now;
        Schedule(now);
        return Write(buffer, _polling ? BfdFlags.Poll : BfdFlags.None);
    }

    /// <summary>Takes the session down on purpose and says so at once, again each time it is called (RFC 5880 §6.8.16).</summary>
    public void AdminDown(long now) => Change(BfdState.AdminDown, BfdDiagnostic.AdministrativelyDown, now);

    /// <summary>Lets a session that was taken down on purpose come up again.</summary>
    public void Enable(long now)
    {
        if (State is BfdState.AdminDown)
            Change(BfdState.Down, BfdDiagnostic.None, now);
    }

    /// <summary>
    /// Changes intervals, multiplier and role. While Up, a poll sequence tells the other side before we send more slowly or give up sooner;
    /// sending faster and giving up later take effect at once (RFC 5880 §6.8.3).
    /// </summary>
    public void Configure(BfdSettings settings, long now)
    {
        ArgumentOutOfRangeException.ThrowIfZero(settings.DetectMultiplier, nameof(settings));
        _settings = settings;
        if (State is BfdState.Up)
        {
            (_saidMinTx, _saidMinRx) = (settings.DesiredMinTx, settings.RequiredMinRx);
            _minTx = Math.Min(_minTx, _saidMinTx);
            _minRx = Math.Max(_minRx, _saidMinRx);
            // A final that is already under way answers the poll before this change.
            _pollAgain = _polling;
            _polling = true;
        }
        else
        {
            _saidMinTx = _minTx = Math.Max(settings.DesiredMinTx, BfdSettings.SlowInterval);
            _saidMinRx = _minRx = settings.RequiredMinRx;
        }

        _nextSend = Math.Min(_nextSend, now);
    }

    /// <summary>Changes the key. The session stays up if the other side changes too within the detection time.</summary>
    public void UseKey(BfdKey? key)
    {
        _key = key;
        _heardSequenceKnown = false;
    }

    private void ExpireIfSilent(long now)
    {
        if (RemoteDiscriminator == 0 || now - _lastHeard < DetectionTime)
            return;
        RemoteDiscriminator = 0;
        RemoteState = BfdState.Down;
        _remoteDemand = false;
        _remoteMinRx = 1;
        _finalDue = false;
        if (State is BfdState.Init or BfdState.Up)
            Change(BfdState.Down, BfdDiagnostic.DetectionTimeExpired, now);
    }

    private BfdRejection Authenticate(in BfdPacket packet, ReadOnlySpan<byte> datagram, long now)
    {
        if (_key is null)
            return packet.Has(BfdFlags.Authentication) ? BfdRejection.UnexpectedAuthentication : BfdRejection.None;
        if (!packet.Has(BfdFlags.Authentication))
            return BfdRejection.MissingAuthentication;
        var bytes = datagram[..packet.Length];
        if (!_key.TryReadSequence(bytes, out var sequence))
            return BfdRejection.WrongAuthentication;

        // A sender that restarted begins anywhere: its number is taken after twice the detection time of silence (RFC 5880 §6.8.1).
        if (_heardSequenceKnown && now - _lastHeard >= 2 * DetectionTime)
            _heardSequenceKnown = false;
        var ahead = unchecked(sequence - _heardSequence);
        if (_heardSequenceKnown && (ahead > 3u * packet.DetectMultiplier || (_key.IsMeticulous && ahead == 0)))
            return BfdRejection.SequenceOutOfWindow;
        if (!_key.Verify(bytes))
            return BfdRejection.BadDigest;
        // Only now: a forged packet must not move the window.
        (_heardSequence, _heardSequenceKnown) = (sequence, true);
        return BfdRejection.None;
    }

    private void Change(BfdState state, BfdDiagnostic diagnostic, long now)
    {
        if (State is BfdState.Up && state is not BfdState.Up)
            Downs++;
        if (state is BfdState.Up)
            Ups++;
        (State, Diagnostic) = (state, diagnostic);
        // Fast only while up. Going up the interval gets shorter, which takes effect at once and must be polled for;
        // going down nothing needs to be agreed (RFC 5880 §6.8.3).
        _saidMinTx = _minTx = state is BfdState.Up ? _settings.DesiredMinTx : Math.Max(_settings.DesiredMinTx, BfdSettings.SlowInterval);
        _saidMinRx = _minRx = _settings.RequiredMinRx;
        _polling = state is BfdState.Up;
        _pollAgain = false;
        // The other side learns of a change at once (§6.8.7 allows a packet between the periodic ones).
        _nextSend = now;
    }

    private void Schedule(long from)
    {
        // 75..100 % of the interval, and with a multiplier of 1 at most 90 %: the other side waits for one packet only (RFC 5880 §6.8.7).
        var interval = SendInterval;
        var least = interval * 3 / 4;
        var most = Multiplier == 1 ? interval * 9 / 10 : interval;
        _nextSend = from + _random.NextInt64(least, most + 1);
    }

    private int Write(Span<byte> buffer, BfdFlags flags)
    {
        var length = BfdPacket.Size;
        Sent++;
        if (ControlPlaneIndependent)
            flags |= BfdFlags.ControlPlaneIndependent;
        if (_key is not null)
        {
            flags |= BfdFlags.Authentication;
            length += BfdKey.SectionSize;
        }

        new BfdPacket(
            Diagnostic, State, flags, Multiplier, (byte)length, Discriminator, RemoteDiscriminator, _saidMinTx, _saidMinRx, 0)
            .WriteTo(buffer);
        _key?.Sign(buffer[..length], _sendSequence++);
        return length;
    }
}
