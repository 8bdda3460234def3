using Portolan.Protocols.Bgp.Routes;

namespace Portolan.Bgp;

/// <summary>What a peer that was told one table has to be told to forget before it is told another.</summary>
internal static class Withdrawals
{
    /// <summary>A reader that gives the withdrawals of what the former table has and the next one has not.</summary>
    public static RouteReader Of(RouteTable former, RouteTable next, EncodingTerms terms)
    {
        // Also what was being withdrawn just then: telling it twice costs nothing, not telling it would leave it there.
        var gone = new RouteTable();
        var routes = former.ToArray();
        foreach (var route in routes)
            gone.Set(route.Prefix, route.Attributes);
        var reader = gone.Read(terms);
        var discarded = new byte[BgpConnection.BufferSize];
        while (reader.Fill(discarded) > 0)
        {
            // As if it had been sent: in truth the former reader did, or would have.
        }

        foreach (var route in routes)
            if (next.Find(route.Prefix) is null)
                gone.Withdraw(route.Prefix);
        return reader;
    }
}
