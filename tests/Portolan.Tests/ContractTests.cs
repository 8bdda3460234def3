using System.Text.RegularExpressions;

namespace Portolan.Tests;

/// <summary>The contract pages promise that every row has a test; the marks are read from the sources of all test projects.</summary>
public sealed partial class ContractTests
{
    private static readonly string Root = FindRoot();

    /// <summary>Each page, and what its rows' names begin with.</summary>
    public static TheoryData<string, string> Pages => new() { { "metallb-contract.md", "§" }, { "proxy-contract.md", "proxy §" } };

    [Theory]
    [MemberData(nameof(Pages))]
    public void EveryRowIsNamedByATest(string page, string prefix) => Assert.Empty(Rows(page, prefix).Except(Marks()).Order(StringComparer.Ordinal));

    [Fact]
    public void EveryNameIsARow() =>
        Assert.Empty(Marks().Except(Pages.SelectMany(page => Rows(page.Data.Item1, page.Data.Item2))).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Pages))]
    public void NoRowIsListedTwice(string page, string prefix) =>
        Assert.Empty(Rows(page, prefix).GroupBy(row => row).Where(row => row.Count() > 1).Select(row => row.Key));

    private static List<string> Rows(string page, string prefix) =>
        [.. File.ReadLines(Path.Combine(Root, "docs", page)).Select(line => Row().Match(line)).Where(match => match.Success).Select(match => match.Groups[1].Value)
            .Where(row => row.StartsWith(prefix, StringComparison.Ordinal))];

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

    [GeneratedRegex(@"^\| ((?:proxy )?§\S.*?) \|")]
    private static partial Regex Row();

    // A theory's attribute may stand in a list: [Theory, Contract("…")].
    [GeneratedRegex(@"\bContract\(""((?:proxy )?§[^""]+)""\)")]
    private static partial Regex Mark();
}
