namespace Portolan.Protocols.Bgp.Routes;

/// <summary>A large community, 12 bytes (RFC 8092 §3).</summary>
/// <param name="Administrator">The AS whose numbers the others are.</param>
/// <param name="Function">The first of its numbers.</param>
/// <param name="Parameter">The second.</param>
public readonly record struct LargeCommunity(uint Administrator, uint Function, uint Parameter) : IComparable<LargeCommunity>
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 12;

    /// <summary>By administrator, function and parameter.</summary>
    public int CompareTo(LargeCommunity other) =>
        (Administrator, Function, Parameter).CompareTo((other.Administrator, other.Function, other.Parameter));

    /// <summary><c>administrator:function:parameter</c> (RFC 8092 §4).</summary>
    public override string ToString() => $"{Administrator}:{Function}:{Parameter}";
}
