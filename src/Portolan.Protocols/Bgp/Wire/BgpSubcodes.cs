namespace Portolan.Protocols.Bgp.Wire;

/// <summary>The subcodes of Message Header Error (RFC 4271 §6.1).</summary>
public enum HeaderSubcode : byte
{
    /// <summary>Connection Not Synchronized.</summary>
    NotSynchronized = 1,

    /// <summary>Bad Message Length; the data is the length field.</summary>
    BadLength = 2,

    /// <summary>Bad Message Type; the data is the type.</summary>
    BadType = 3,
}

/// <summary>The subcodes of OPEN Message Error (RFC 4271 §6.2, RFC 5492 §5).</summary>
public enum OpenSubcode : byte
{
    /// <summary>Something in it does not add up.</summary>
    Unspecific = 0,

    /// <summary>Unsupported Version Number; the data is the version that is supported, in two bytes.</summary>
    UnsupportedVersion = 1,

    /// <summary>Bad Peer AS.</summary>
    BadPeerAs = 2,

    /// <summary>Bad BGP Identifier.</summary>
    BadIdentifier = 3,

    /// <summary>Unsupported Optional Parameter.</summary>
    UnsupportedParameter = 4,

    /// <summary>Unacceptable Hold Time.</summary>
    UnacceptableHoldTime = 6,

    /// <summary>Unsupported Capability: one that is insisted on is missing; the data is the capability.</summary>
    UnsupportedCapability = 7,
}

/// <summary>The subcodes of UPDATE Message Error (RFC 4271 §6.3).</summary>
public enum UpdateSubcode : byte
{
    /// <summary>Malformed Attribute List.</summary>
    MalformedAttributes = 1,

    /// <summary>Unrecognized Well-known Attribute; the data is the attribute.</summary>
    UnrecognizedWellKnown = 2,

    /// <summary>Missing Well-known Attribute; the data is its type.</summary>
    MissingWellKnown = 3,

    /// <summary>Attribute Flags Error; the data is the attribute.</summary>
    AttributeFlags = 4,

    /// <summary>Attribute Length Error; the data is the attribute.</summary>
    AttributeLength = 5,

    /// <summary>Optional Attribute Error; the data is the attribute.</summary>
    OptionalAttribute = 9,

    /// <summary>Invalid Network Field.</summary>
    InvalidNetwork = 10,
}

/// <summary>The subcodes of Finite State Machine Error (RFC 6608 §3); the data is the message's type.</summary>
public enum StateMachineSubcode : byte
{
    /// <summary>In a state of its own.</summary>
    Unspecific = 0,

    /// <summary>Receive Unexpected Message in OpenSent State.</summary>
    UnexpectedInOpenSent = 1,

    /// <summary>Receive Unexpected Message in OpenConfirm State.</summary>
    UnexpectedInOpenConfirm = 2,

    /// <summary>Receive Unexpected Message in Established State.</summary>
    UnexpectedInEstablished = 3,
}
