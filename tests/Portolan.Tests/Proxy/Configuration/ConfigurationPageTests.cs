using System.Text.RegularExpressions;
using Portolan.Commands;
using Portolan.Proxy.Configuration;

namespace Portolan.Tests.Proxy.Configuration;

/// <summary>docs/proxy-configuration.md lists what there is, and says of nothing that it has an effect when it has none.</summary>
public sealed partial class ConfigurationPageTests
{
    private static readonly List<(string Flag, string Field, bool HasEffect)> _rows =
    [
        .. File.ReadLines(Path.Combine(OptionsFixture.Root, "docs", "proxy-configuration.md")).Select(line => Row().Match(line)).Where(match => match.Success)
            .Select(match => (match.Groups[1].Value, match.Groups[2].Value, !match.Groups[3].Value.StartsWith("without effect", StringComparison.Ordinal))),
    ];

    [Fact]
    public void ListsEveryFlagOfTheCommand_AndNoOther()
    {
        var command = CommandTree.Create().Parse(["proxy"]).CommandResult.Command;
        var flags = command.Options.Select(option => option.Name).Where(name => name is not ("--help" or "--version"));
        Assert.Equal(flags.Order(StringComparer.Ordinal), _rows.Select(row => row.Flag).Where(flag => flag.Length > 0).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void ListsEveryFieldWithItsFlag() => Assert.Equal(
        ConfigurationFields.All.Select(field => (field.Flag ?? "", field.Path)).Order(),
        _rows.Where(row => row.Field.Length > 0).Select(row => (row.Flag, row.Field)).Order());

    [Fact]
    public void SaysWhatIsWithoutEffect() => Assert.Equal(
        ConfigurationFields.All.Where(field => field.Unused is not null).Select(field => field.Path).Order(StringComparer.Ordinal),
        _rows.Where(row => !row.HasEffect).Select(row => row.Field).Order(StringComparer.Ordinal));

    [Fact]
    public void SaysInHelpWhatEveryFlagMeans() =>
        Assert.Empty(ConfigurationFields.All.Where(field => field.Flag is not null && (field.Means.Length > 0) == (field.Unused is not null)).Select(field => field.Flag));

    [GeneratedRegex(@"^\| (?=`-|\| `)(?:`(--[^`]+)` )?\| (?:`([^`]+)` )?\| (.+) \|$")]
    private static partial Regex Row();
}
