using System.Text.RegularExpressions;

namespace Portolan.Tests;

/// <summary>docs/metallb-contract.md promises that every row has a test; the marks are read from the sources of all test projects.</summary>
public sealed partial class ContractTests
{
    private static readonly string Root = FindRoot();

    [Fact]
    public void EveryRowIsNamedByATest() => Assert.Empty(Rows().Except(Marks()).Order(StringComparer.Ordinal));

    [Fact]
    public void EveryNameIsARow() => Assert.Empty(Marks().Except(Rows()).Order(StringComparer.Ordinal));

    [Fact]
    public void NoRowIsListedTwice() => Assert.Empty(Rows().GroupBy(row => row).Where(row => row.Count() > 1).Select(row => row.Key));

    private static List<string> Rows() =>
        [.. File.ReadLines(Path.Combine(Root, "docs", "metallb-contract.md")).Select(line => Row().Match(line)).Where(match => match.Success).Select(match => match.Groups[1].Value)];

    private static HashSet<string> Marks() =>
        [.. Directory.EnumerateFiles(Path.Combine(Root, "tests"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal))
            .SelectMany(file => Mark().Matches(File.ReadAllText(file)).Select(match => match.Groups[1].Value))];

    private static string FindRoot()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Portolan.slnx")))
            directory = Path.GetDirectoryName(directory)!;
        return directory;
    }

    [GeneratedRegex(@"^\| (§\S.*?) \|")]
    private static partial Regex Row();

    // A theory's attribute may stand in a list: [Theory, Contract("…")].
    [GeneratedRegex(@"\bContract\(""(§[^""]+)""\)")]
    private static partial Regex Mark();
}
