using Portolan.Core.Addresses;

namespace Portolan.Speaker.Moves;

/// <summary>An address that came to this node from another one, which still forwards, and goes on serving the connections it knows.</summary>
/// <param name="Address">The Service's address.</param>
/// <param name="Node">The node that had it.</param>
/// <param name="Holder">An address of that node, of the same family.</param>
/// <param name="Until">When it ends at the latest: microseconds.</param>
internal readonly record struct Handover(IpAddress Address, string Node, IpAddress Holder, long Until);
