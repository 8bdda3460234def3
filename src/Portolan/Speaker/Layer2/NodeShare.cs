using Portolan.Core.Announcements;
using Portolan.Protocols.Arp;

namespace Portolan.Speaker.Layer2;

/// <summary>This node's share of the clients of an address that several nodes answer for.</summary>
internal sealed class NodeShare
{
    private readonly ClientChoice _choice;
    private readonly int _self;

    /// <param name="choice">Which node answers whom.</param>
    /// <param name="node">This node; one that is not among them has no share.</param>
    public NodeShare(ClientChoice choice, string node)
    {
        (_choice, _self) = (choice, -2);
        for (var i = 0; i < choice.Nodes.Count; i++)
            if (choice.Nodes[i] == node)
                _self = i;
        Answers = Includes;
    }

    /// <summary><see cref="Includes"/>, made once.</summary>
    public Func<MacAddress, bool> Answers { get; }

    /// <summary>Whether this node answers a client. Allocates nothing.</summary>
    public bool Includes(MacAddress client) => _choice.Of(client.Value) == _self;

    /// <summary>Whether another share is of the same nodes, and so the same.</summary>
    public bool IsSame(NodeShare? other) => other is not null && _self == other._self && _choice.Nodes.SequenceEqual(other._choice.Nodes);
}
