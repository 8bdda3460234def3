using Portolan.Core.Addresses;
using Portolan.Protocols.Arp;

namespace Portolan.Speaker.Layer2.Truth;

/// <summary>What came of asking for an address that another node announces, when it was not one answer.</summary>
/// <param name="Address">The address.</param>
/// <param name="Answers">Who answered: nobody, or several.</param>
internal sealed record QueryFinding(IpAddress Address, IReadOnlyList<MacAddress> Answers)
{
    public bool IsSilence => Answers.Count == 0;

    public bool Equals(QueryFinding? other) => other is not null && Address == other.Address && Answers.SequenceEqual(other.Answers);

    public override int GetHashCode() => HashCode.Combine(Address, Answers.Count);
}
