namespace Portolan.Protocols.Bgp.Wire;

/// <summary>The set of types of path attributes that an UPDATE has.</summary>
internal struct SeenAttributes
{
    private UInt128 _lower;
    private UInt128 _upper;

    /// <returns>False when it was in already.</returns>
    public bool Add(byte type)
    {
        ref var half = ref (type < 128 ? ref _lower : ref _upper);
        var isNew = (half & Bit(type)) == UInt128.Zero;
        half |= Bit(type);
        return isNew;
    }

    /// <summary>Whether it is in.</summary>
    public readonly bool Has(BgpAttributeType type) => (((byte)type < 128 ? _lower : _upper) & Bit((byte)type)) != UInt128.Zero;

    private static UInt128 Bit(byte type) => UInt128.One << (type & 127);
}
