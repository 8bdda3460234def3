using System.Globalization;
using System.Text.RegularExpressions;

namespace Portolan.EndToEnd.Tests.Conformance;

/// <summary>A kubectl that the conformance tests try.</summary>
/// <param name="Version"><c>1.33</c>.</param>
/// <param name="Path">The binary.</param>
public sealed record ClientUnderTest(string Version, string Path)
{
    /// <summary>Fetched by eng/clients.sh.</summary>
    public static string Fetched { get; } = System.IO.Path.Combine(Repository.Root, "artifacts", "clients");

    public int Minor => int.Parse(Version.Split('.')[1], CultureInfo.InvariantCulture);

    /// <summary>Every version there may be: those that were fetched, and those beside the kubectl of the machine.</summary>
    public static IReadOnlyList<ClientUnderTest> All { get; } = Find();

    /// <summary>The oldest, one in the middle and the newest; all of them in the long run.</summary>
    public static IEnumerable<TheoryDataRow<string>> Versions()
    {
        string[] some = ["1.20", "1.33", "1.35"];
        var chosen = Environment.GetEnvironmentVariable("PORTOLAN_TEST_LONG") is "1" ? All.Select(c => c.Version).Union(some) : some;
        return chosen.Order(Comparer<string>.Create((a, b) => System.Version.Parse(a).CompareTo(System.Version.Parse(b)))).Select(version => new TheoryDataRow<string>(version));
    }

    private static List<ClientUnderTest> Find()
    {
        var beside = Kubectls.All.Skip(1);
        var fetched = Directory.Exists(Fetched) ? Directory.GetFiles(Fetched, "kubectl.1.*") : [];
        return [.. fetched.Concat(beside).Select(file => (File: file, Match: Regex.Match(file, @"kubectl\.(1\.\d+)$"))).Where(f => f.Match.Success)
            .Select(f => new ClientUnderTest(f.Match.Groups[1].Value, f.File)).DistinctBy(c => c.Version)];
    }
}
