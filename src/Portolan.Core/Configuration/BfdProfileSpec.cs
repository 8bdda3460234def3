using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>A BFDProfile (metallb.io/v1beta1) as it is written.</summary>
public sealed record BfdProfileSpec : ConfigurationSpec
{
    /// <inheritdoc/>
    public override ConfigurationKind Kind => ConfigurationKind.BFDProfile;

    /// <summary><c>spec.receiveInterval</c>: 10..60000 ms; 300 when absent.</summary>
    public long? ReceiveInterval { get; init; }

    /// <summary><c>spec.transmitInterval</c>: 10..60000 ms; 300 when absent.</summary>
    public long? TransmitInterval { get; init; }

    /// <summary><c>spec.detectMultiplier</c>: 2..255; 3 when absent.</summary>
    public long? DetectMultiplier { get; init; }

    /// <summary><c>spec.echoInterval</c>: 10..60000 ms; 50 when absent.</summary>
    public long? EchoInterval { get; init; }

    /// <summary><c>spec.echoMode</c>: IPv4 and a single hop only.</summary>
    public bool EchoMode { get; init; }

    /// <summary><c>spec.passiveMode</c>.</summary>
    public bool PassiveMode { get; init; }

    /// <summary><c>spec.minimumTtl</c>: 1..254, for sessions over more than one hop.</summary>
    public long? MinimumTtl { get; init; }

    /// <summary>Checks the profile.</summary>
    /// <param name="errors">Where what is wrong is added.</param>
    /// <returns>The profile, or null when an error was added.</returns>
    public BfdProfile? Parse(ICollection<FieldError> errors)
    {
        var before = errors.Count;
        if (!AddReadErrors(errors))
            return null;
        FieldRules.Range("spec.receiveInterval", ReceiveInterval, 10, 60000, errors);
        FieldRules.Range("spec.transmitInterval", TransmitInterval, 10, 60000, errors);
        FieldRules.Range("spec.detectMultiplier", DetectMultiplier, 2, 255, errors);
        FieldRules.Range("spec.echoInterval", EchoInterval, 10, 60000, errors);
        FieldRules.Range("spec.minimumTtl", MinimumTtl, 1, 254, errors);
        return errors.Count > before ? null : new BfdProfile
        {
            Name = Name,
            ReceiveInterval = (int)(ReceiveInterval ?? 300),
            TransmitInterval = (int)(TransmitInterval ?? 300),
            DetectMultiplier = (int)(DetectMultiplier ?? 3),
            EchoInterval = (int)(EchoInterval ?? 50),
            EchoMode = EchoMode,
            PassiveMode = PassiveMode,
            MinimumTtl = (int?)MinimumTtl,
        };
    }
}

/// <summary>A checked BFDProfile, its defaults filled in.</summary>
public sealed record BfdProfile
{
    /// <summary>The object's name.</summary>
    public required string Name { get; init; }

    /// <summary>The least interval between received packets that we support, milliseconds.</summary>
    public required int ReceiveInterval { get; init; }

    /// <summary>The least interval between packets we send, milliseconds.</summary>
    public required int TransmitInterval { get; init; }

    /// <summary>So many packets missed in a row mean that the session is down.</summary>
    public required int DetectMultiplier { get; init; }

    /// <summary>The least interval between echo packets, milliseconds.</summary>
    public required int EchoInterval { get; init; }

    /// <summary>Packets that the peer's data plane sends back.</summary>
    public required bool EchoMode { get; init; }

    /// <summary>Wait for the peer to begin.</summary>
    public required bool PassiveMode { get; init; }

    /// <summary>Packets with a lower TTL are dropped, in sessions over more than one hop; null: none is.</summary>
    public required int? MinimumTtl { get; init; }
}
