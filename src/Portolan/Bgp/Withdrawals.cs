using Portolan.Protocols.Bgp.Routes;

namespace Portolan.Bgp;

/// <summary>What a peer that was told one table has to be told to forget once it was told another.</summary>
internal static class Withdrawals
{
    /// <summary>A reader that gives the withdrawals of what the former table had and the present one has not.</summary>
    /// <param name="former">All that the peer may have been told.</param>
    /// <param name="present">What it was told since, all of it.</param>
    /// <param name="terms">How routes are written to the peer.</param>
    public static RouteReader Of(IReadOnlyList<Route> former, RouteTable present, EncodingTerms terms)
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
