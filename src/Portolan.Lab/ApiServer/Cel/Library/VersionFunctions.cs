using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;
using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>A semantic version (semver.org 2.0.0).</summary>
internal sealed record VersionValue(BigInteger Major, BigInteger Minor, BigInteger Patch, string PreRelease) : ILibraryValue
{
    public static CelType CelType { get; } = CelType.Opaque("kubernetes.Semver");

    public CelType Type => CelType;

    public int CompareTo(VersionValue other)
    {
        var order = Major.CompareTo(other.Major);
        if (order == 0)
            order = Minor.CompareTo(other.Minor);
        if (order == 0)
            order = Patch.CompareTo(other.Patch);
        if (order != 0 || PreRelease == other.PreRelease)
            return order;

        // A version comes after its pre-releases (§11).
        if (PreRelease.Length == 0 || other.PreRelease.Length == 0)
            return PreRelease.Length == 0 ? 1 : -1;
        var (mine, theirs) = (PreRelease.Split('.'), other.PreRelease.Split('.'));
        for (var i = 0; i < Math.Min(mine.Length, theirs.Length); i++)
        {
            order = Compare(mine[i], theirs[i]);
            if (order != 0)
                return order;
        }

        return mine.Length.CompareTo(theirs.Length);
    }

    private static int Compare(string a, string b)
    {
        var (x, y) = (a.All(char.IsAsciiDigit), b.All(char.IsAsciiDigit));
        return x && y ? BigInteger.Parse(a, CultureInfo.InvariantCulture).CompareTo(BigInteger.Parse(b, CultureInfo.InvariantCulture))
            : x != y ? x ? -1 : 1
            : string.CompareOrdinal(a, b);
    }
}

/// <summary>Kubernetes' semver library.</summary>
internal static partial class VersionFunctions
{
    public static void AddTo(FunctionLibrary to)
    {
        var version = VersionValue.CelType;
        to.Function("semver", version, CallCost.ReadFirst, static x => (object?)Parse((string)x[0]) ?? new CelError("No Major.Minor.Patch elements found"), CelType.String);
        to.Function("isSemver", CelType.Bool, CallCost.ReadFirst, static x => Parse((string)x[0]) is not null, CelType.String);
        to.Member("major", CelType.Int, CallCost.One, static x => (long)((VersionValue)x[0]).Major, version);
        to.Member("minor", CelType.Int, CallCost.One, static x => (long)((VersionValue)x[0]).Minor, version);
        to.Member("patch", CelType.Int, CallCost.One, static x => (long)((VersionValue)x[0]).Patch, version);
        to.Member("isGreaterThan", CelType.Bool, CallCost.One, static x => ((VersionValue)x[0]).CompareTo((VersionValue)x[1]) > 0, version, version);
        to.Member("isLessThan", CelType.Bool, CallCost.One, static x => ((VersionValue)x[0]).CompareTo((VersionValue)x[1]) < 0, version, version);
        to.Member("compareTo", CelType.Int, CallCost.One, static x => (long)Math.Sign(((VersionValue)x[0]).CompareTo((VersionValue)x[1])), version, version);
    }

    private static VersionValue? Parse(string text)
    {
        if (text.Length > 256 || Form().Match(text) is not { Success: true } match)
            return null;
        var numbers = Enumerable.Range(1, 3).Select(group => BigInteger.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture)).ToArray();
        var pre = match.Groups[4].Value;
        return numbers.All(number => number <= long.MaxValue) && !pre.Split('.').Any(part => part.Length > 1 && part[0] == '0' && part.All(char.IsAsciiDigit))
            ? new VersionValue(numbers[0], numbers[1], numbers[2], pre)
            : null;
    }

    [GeneratedRegex(@"\A(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?\z")]
    private static partial Regex Form();
}
