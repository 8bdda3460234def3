namespace Portolan.Core.Liveness;

/// <summary>What a session says of the node at its other end.</summary>
public enum Sight : byte
{
    /// <summary>Nothing yet.</summary>
    Unknown = 0,

    /// <summary>Both hear each other.</summary>
    Up = 1,

    /// <summary>It was heard, and is not any more.</summary>
    Down = 2,

    /// <summary>It said goodbye: a planned stop (BFD's AdminDown).</summary>
    Stopped = 3,
}

/// <summary>What a speaker says of a node that it watches.</summary>
/// <param name="Node">The node's name.</param>
/// <param name="Sight">What its own session says.</param>
/// <param name="IsDead">Whether it has concluded, with what others say, that the node is dead.</param>
public readonly record struct Sighting(string Node, Sight Sight, bool IsDead);
