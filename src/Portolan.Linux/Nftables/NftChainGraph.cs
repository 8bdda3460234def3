using Portolan.Linux.Netlink;

namespace Portolan.Linux.Nftables;

/// <summary>A rule that leads from one chain to another.</summary>
/// <param name="From">The chain with the rule.</param>
/// <param name="To">Where it jumps or goes to.</param>
/// <param name="Handle">The rule's handle.</param>
public readonly record struct NftJump(string From, string To, ulong Handle);

/// <summary>The chains of a table, whoever made it, and which lead to which. What else its rules say is not looked at.</summary>
public sealed class NftChainGraph
{
    private NftChainGraph(IReadOnlyList<string> chains, IReadOnlyList<string> dropping)
    {
        Chains = chains;
        DroppingChains = dropping;
    }

    /// <summary>Every chain; none where there is no such table.</summary>
    public IReadOnlyList<string> Chains { get; }

    /// <summary>The base chains whose policy is drop.</summary>
    public IReadOnlyList<string> DroppingChains { get; }

    /// <summary>Reads the chains of a table.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static NftChainGraph Read(NftConnection connection, NftFamily family, string table)
    {
        var request = Request(Nft.GetChain, family);
        request.EndMessage();
        var dropping = new List<string>();
        var chains = connection.Socket.Dump(request, $"list the chains of table {table}", (NetlinkMessage message, out string name) =>
        {
            string? owner = null;
            name = "";
            var policy = NftVerdictCode.Accept;
            foreach (var attribute in message.Attributes(Nft.HeaderSize))
            {
                switch (attribute.Type)
                {
                    case Nft.ChainTable: owner = attribute.AsString; break;
                    case Nft.ChainName: name = attribute.AsString; break;
                    case Nft.ChainPolicy: policy = (NftVerdictCode)(int)attribute.AsUInt32BigEndian; break;
                }
            }

            var isOurs = message.Type == Nft.NewChain && owner == table && message.Payload[0] == (byte)family;
            if (isOurs && policy is NftVerdictCode.Drop)
                dropping.Add(name);
            return isOurs;
        });
        return new NftChainGraph(chains, dropping);
    }

    /// <summary>Reads which rules of a table lead to other chains, those in verdict maps left out.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static List<NftJump> Jumps(NftConnection connection, NftFamily family, string table)
    {
        var request = Request(Nft.GetRule, family);
        request.PutString(Nft.RuleTable, table);
        request.EndMessage();
        return connection.Socket.Dump(request, $"list the rules of table {table}", (NetlinkMessage message, out NftJump jump) =>
        {
            string? owner = null, from = null, to = null;
            ulong handle = 0;
            foreach (var attribute in message.Attributes(Nft.HeaderSize))
            {
                switch (attribute.Type)
                {
                    case Nft.RuleTable: owner = attribute.AsString; break;
                    case Nft.RuleChain: from = attribute.AsString; break;
                    case Nft.RuleHandle: handle = attribute.AsUInt64BigEndian; break;
                    case Nft.RuleExpressions: to = Target(attribute); break;
                }
            }

            jump = new NftJump(from ?? "", to ?? "", handle);
            return message.Type == Nft.NewRule && owner == table && message.Payload[0] == (byte)family && to is not null;
        });
    }

    private static string? Target(NetlinkAttribute expressions)
    {
        foreach (var expression in expressions.Nested)
        {
            if (expression.Nested.TryFind(Nft.ExpressionData, out var data)
                && data.Nested.TryFind(Nft.ImmediateData, out var value)
                && value.Nested.TryFind(Nft.DataVerdict, out var verdict)
                && expression.Nested.TryFind(Nft.ExpressionName, out var name) && name.AsString == "immediate"
                && verdict.Nested.TryFind(Nft.VerdictChain, out var chain))
                return chain.AsString;
        }

        return null;
    }

    private static NetlinkWriter Request(ushort type, NftFamily family)
    {
        var request = new NetlinkWriter();
        request.BeginMessage(type, NetlinkFlags.None);
        request.Reserve(Nft.HeaderSize)[0] = (byte)family;
        return request;
    }
}
