using Portolan.Protocols.Bgp.Routes;

namespace Portolan.Bgp;

/// <summary>What a peer that was told one table has to be told to have another. First what comes: what goes may lie within it.</summary>
internal static class TableChange
{
    /// <summary>A reader that gives what is new or other in the table that the peer is to have.</summary>
    /// <param name="former">What it was told, all of it.</param>
    /// <param name="present">What it is to have.</param>
    /// <param name="terms">How routes are written to the peer.</param>
    /// <returns>Null: it is most of the table. Read from there, it is encoded once for all peers that come.</returns>
    public static RouteReader? Coming(RouteTable former, RouteTable present, EncodingTerms terms)
    {
        var coming = new RouteTable();
        foreach (var route in present.ToArray())
        {
            if (route.Attributes.Equals(former.Find(route.Prefix)))
                continue;
            coming.Set(route.Prefix, route.Attributes);
            if (coming.Count > present.Count / 2)
                return null;
        }

        return coming.Read(terms);
    }

    /// <summary>A reader that gives the withdrawals of what the former table had and the present one has not.</summary>
    /// <param name="former">All that the peer may have been told.</param>
    /// <param name="present">What it was told since, all of it.</param>
    /// <param name="terms">How routes are written to the peer.</param>
    public static RouteReader Going(IReadOnlyList<Route> former, RouteTable present, EncodingTerms terms)
    {
        // Also what was withdrawn since: telling it twice costs nothing.
        var gone = new RouteTable();
        foreach (var route in former)
            if (present.Find(route.Prefix) is null)
                gone.Set(route.Prefix, route.Attributes);
        var reader = gone.Read(terms);
        var discarded = new byte[BgpConnection.BufferSize];
        while (reader.Fill(discarded) > 0)
        {
            // As if it had been sent: in truth the former reader did.
        }

        foreach (var route in gone.ToArray())
            gone.Withdraw(route.Prefix);
        return reader;
    }
}
