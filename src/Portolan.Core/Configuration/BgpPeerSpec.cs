using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>A BGPPeer (metallb.io/v1beta2) as it is written.</summary>
public sealed record BgpPeerSpec : ConfigurationSpec
{
    private const string OneOfAsn = "exactly one of peerASN and dynamicASN is required";
    private const string OneOfAddress = "exactly one of peerAddress and interface is required";

    /// <inheritdoc/>
    public override ConfigurationKind Kind => ConfigurationKind.BGPPeer;

    /// <summary><c>spec.myASN</c>: 1..4294967295.</summary>
    public long MyAsn { get; init; }

    /// <summary><c>spec.peerASN</c>; 0 when absent.</summary>
    public long PeerAsn { get; init; }

    /// <summary><c>spec.dynamicASN</c>: internal or external; empty when absent.</summary>
    public string DynamicAsn { get; init; } = "";

    /// <summary><c>spec.localASN</c>, shown to the peer in place of <see cref="MyAsn"/>.</summary>
    public long? LocalAsn { get; init; }

    /// <summary><c>spec.peerAddress</c>; empty when absent.</summary>
    public string PeerAddress { get; init; } = "";

    /// <summary><c>spec.interface</c>: the peer is the router found there; empty when absent.</summary>
    public string Interface { get; init; } = "";

    /// <summary><c>spec.sourceAddress</c>; empty when absent.</summary>
    public string SourceAddress { get; init; } = "";

    /// <summary><c>spec.peerPort</c>: 1..16384; null or 0: 179.</summary>
    public long? PeerPort { get; init; }

    /// <summary><c>spec.holdTime</c>, e.g. <c>90s</c>.</summary>
    public string? HoldTime { get; init; }

    /// <summary><c>spec.keepaliveTime</c>.</summary>
    public string? KeepaliveTime { get; init; }

    /// <summary><c>spec.connectTime</c>.</summary>
    public string? ConnectTime { get; init; }

    /// <summary><c>spec.routerID</c>; empty when absent.</summary>
    public string RouterId { get; init; } = "";

    /// <summary><c>spec.nodeSelectors</c>; one suffices, none means all nodes.</summary>
    public IReadOnlyList<LabelSelector> NodeSelectors { get; init; } = [];

    /// <summary><c>spec.password</c>; empty when absent.</summary>
    public string Password { get; init; } = "";

    /// <summary><c>spec.passwordSecret.name</c>; empty when absent.</summary>
    public string PasswordSecret { get; init; } = "";

    /// <summary><c>spec.passwordSecret.namespace</c>; empty when absent. The Secret is read in the configuration's namespace, whatever it says.</summary>
    public string PasswordSecretNamespace { get; init; } = "";

    /// <summary><c>spec.bfdProfile</c>; empty when absent.</summary>
    public string BfdProfile { get; init; } = "";

    /// <summary><c>spec.enableGracefulRestart</c>; it cannot be changed.</summary>
    public bool EnableGracefulRestart { get; init; }

    /// <summary><c>spec.ebgpMultiHop</c>.</summary>
    public bool EbgpMultiHop { get; init; }

    /// <summary><c>spec.vrf</c>; empty when absent.</summary>
    public string Vrf { get; init; } = "";

    /// <summary><c>spec.disableMP</c>: without effect.</summary>
    public bool DisableMP { get; init; }

    /// <summary><c>spec.dualStackAddressFamily</c>.</summary>
    public bool DualStackAddressFamily { get; init; }

    /// <summary>Checks the peer by itself. Its profile is looked up by whoever knows the profiles.</summary>
    /// <param name="errors">Where what is wrong is added.</param>
    /// <returns>The peer, or null when an error was added.</returns>
    public BgpPeer? Parse(ICollection<FieldError> errors)
    {
        var before = errors.Count;
        if (!AddReadErrors(errors))
            return null;
        CheckNumbers(errors);
        var (address, source) = CheckAddresses(errors);
        var (hold, keepalive) = CheckTimers(errors);
        var connect = CheckConnectTime(errors);
        IpAddress? routerId = IpAddress.TryParse(RouterId, out var identifier) && identifier.IsIPv4 && identifier.Value != 0 ? identifier : null;
        if (RouterId.Length > 0 && routerId is null)
            errors.Add(new FieldError("spec.routerID", RouterId, "must be an IPv4 address other than 0.0.0.0"));
        FieldRules.Unique("spec.nodeSelectors", NodeSelectors, errors);
        if (Password.Length > 0 && PasswordSecret.Length > 0)
            errors.Add(new FieldError("spec.passwordSecret", PasswordSecret, "password and passwordSecret cannot both be set"));
        FieldRules.OneLine("spec.password", Password, errors, secret: true);
        FieldRules.OneLine("spec.interface", Interface, errors);
        FieldRules.OneLine("spec.vrf", Vrf, errors);
        return errors.Count > before ? null : new BgpPeer
        {
            Name = Name,
            MyAsn = (uint)MyAsn,
            PeerAsn = PeerAsn == 0 ? null : (uint)PeerAsn,
            DynamicAsn = DynamicAsn switch { "internal" => Configuration.DynamicAsn.Internal, "external" => Configuration.DynamicAsn.External, _ => null },
            LocalAsn = (uint?)LocalAsn,
            Address = address,
            Interface = Interface,
            SourceAddress = source,
            Port = PeerPort is null or 0 ? BgpPeer.DefaultPort : (ushort)PeerPort,
            HoldTime = hold,
            KeepaliveTime = keepalive,
            ConnectTime = connect,
            RouterId = routerId,
            NodeSelectors = NodeSelectors,
            Password = Password,
            PasswordSecret = PasswordSecret,
            EnableGracefulRestart = EnableGracefulRestart,
            EbgpMultiHop = EbgpMultiHop,
            Vrf = Vrf,
            DualStackAddressFamily = DualStackAddressFamily,
        };
    }

    private void CheckNumbers(ICollection<FieldError> errors)
    {
        FieldRules.Range("spec.myASN", MyAsn, 1, FieldRules.LargestAsn, errors);
        FieldRules.Range("spec.peerASN", PeerAsn, 0, FieldRules.LargestAsn, errors);
        FieldRules.Range("spec.localASN", LocalAsn, 1, FieldRules.LargestAsn, errors);
        FieldRules.Range("spec.peerPort", PeerPort, 0, 16384, errors);
        if (DynamicAsn is not ("" or "internal" or "external"))
            errors.Add(new FieldError("spec.dynamicASN", DynamicAsn, "must be internal or external"));
        if (PeerAsn == 0 && DynamicAsn.Length == 0)
            errors.Add(new FieldError("spec.peerASN", "", OneOfAsn));
        else if (PeerAsn != 0 && DynamicAsn.Length > 0)
            errors.Add(new FieldError("spec.dynamicASN", DynamicAsn, OneOfAsn));
        if (EbgpMultiHop && (PeerAsn == MyAsn || DynamicAsn == "internal"))
            errors.Add(new FieldError("spec.ebgpMultiHop", "true", "the peer is in our own AS: multihop is for external peers"));
    }

    private (IpAddress? Address, IpAddress? Source) CheckAddresses(ICollection<FieldError> errors)
    {
        if (PeerAddress.Length == 0 && Interface.Length == 0)
            errors.Add(new FieldError("spec.peerAddress", "", OneOfAddress));
        else if (PeerAddress.Length > 0 && Interface.Length > 0)
            errors.Add(new FieldError("spec.interface", Interface, OneOfAddress));
        return (Address("spec.peerAddress", PeerAddress, errors), Address("spec.sourceAddress", SourceAddress, errors));
    }

    private static IpAddress? Address(string path, string text, ICollection<FieldError> errors)
    {
        if (text.Length == 0)
            return null;
        if (IpAddress.TryParse(text, out var address))
            return address;
        errors.Add(new FieldError(path, text, "is not an IP address"));
        return null;
    }

    private (TimeSpan? Hold, TimeSpan? Keepalive) CheckTimers(ICollection<FieldError> errors)
    {
        var before = errors.Count;
        var hold = Duration("spec.holdTime", HoldTime, errors);
        var keepalive = Duration("spec.keepaliveTime", KeepaliveTime, errors);
        if (errors.Count > before || (hold is null && keepalive is null))
            return (null, null);
        var path = hold is null ? "spec.keepaliveTime" : "spec.holdTime";
        var written = hold is null ? KeepaliveTime! : HoldTime!;
        var (longer, shorter) = (hold ?? (keepalive!.Value * 3), keepalive ?? (hold!.Value / 3));

        // The wire counts whole seconds, in 16 bits (RFC 4271 §4.2).
        if (longer < TimeSpan.Zero || (long)longer.TotalSeconds is (not 0 and < 3) or > ushort.MaxValue)
            errors.Add(new FieldError(path, written, "the hold time must be 0 or 3s..65535s"));
        else if (shorter > longer || shorter < TimeSpan.Zero)
            errors.Add(new FieldError("spec.keepaliveTime", KeepaliveTime ?? "", $"must be 0s or more and not above the hold time of {longer.TotalSeconds:0.###}s"));
        return (longer, shorter);
    }

    private TimeSpan? CheckConnectTime(ICollection<FieldError> errors)
    {
        var connect = Duration("spec.connectTime", ConnectTime, errors);
        if (connect is { } pause && (pause.TotalSeconds is < 1 or > ushort.MaxValue || pause.Ticks % TimeSpan.TicksPerSecond != 0))
            errors.Add(new FieldError("spec.connectTime", ConnectTime!, "must be whole seconds, 1s..65535s"));
        return connect;
    }

    private static TimeSpan? Duration(string path, string? text, ICollection<FieldError> errors)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        if (GoDuration.TryParse(text, out var duration))
            return duration;
        errors.Add(new FieldError(path, text, "is not a duration such as 90s or 1m30s"));
        return null;
    }
}
