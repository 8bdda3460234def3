using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Core.Announcements.Bgp;

/// <summary>The communities that a Service asks for by its annotation, besides those of the advertisements.</summary>
/// <param name="Communities">What is understood, none twice, as written.</param>
/// <param name="Faults">What is not; the rest counts all the same.</param>
internal readonly record struct AskedCommunities(IReadOnlyList<BgpCommunity> Communities, IReadOnlyList<FieldError> Faults)
{
    /// <summary>Values (<c>64512:1</c>, <c>large:1:2:3</c>) or names that a Community gives to values, separated by commas.</summary>
    public const string Annotation = "portolan.dev/bgp-communities";

    /// <summary>A Service may ask for so many, as a BGPAdvertisement may.</summary>
    public const int Most = BgpAdvertisementSpec.MostCommunities;

    private const string Path = "metadata.annotations[" + Annotation + "]";

    // A text without end must not become an event without end.
    private const int MostFaults = 8;
    private const int LongestQuoted = 64;

    /// <summary>Reads a Service's annotation.</summary>
    /// <param name="service">The Service.</param>
    /// <param name="aliases">What the names stand for.</param>
    public static AskedCommunities Of(ServiceFacts service, IReadOnlyDictionary<string, BgpCommunity> aliases)
    {
        if (service.Annotations.Count == 0 || !service.Annotations.TryGetValue(Annotation, out var text))
            return new AskedCommunities([], []);
        var (communities, faults) = (new List<BgpCommunity>(), new List<FieldError>());
        foreach (var word in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (Wrong(word, aliases, out var community) is { } rule)
                Reject(word, rule);
            else if (communities.Contains(community))
                continue;
            else if (communities.Count < Most)
                communities.Add(community);
            else
                Reject(word, $"is one more than the {Most} communities that a Service may ask for");
            if (faults.Count == MostFaults)
                break;
        }

        return new AskedCommunities(communities, faults);

        void Reject(string word, string rule) => faults.Add(new FieldError(Path, word.Length > LongestQuoted ? word[..LongestQuoted] + "…" : word, rule));
    }

    private static string? Wrong(string word, IReadOnlyDictionary<string, BgpCommunity> aliases, out BgpCommunity community)
    {
        if (aliases.TryGetValue(word, out community) || BgpCommunity.Parse(word, out community) is not { } rule)
            return null;
        return BgpCommunity.LooksLikeValue(word) ? rule : "no Community gives this name a value";
    }
}
