using System.Buffers;
using System.Globalization;
using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>An absolute URI, or an absolute path. There is no fragment: a sharp sign belongs to the path.</summary>
/// <param name="Scheme">Without colon; empty for a path.</param>
/// <param name="Authority">Host and port; empty when there is none.</param>
/// <param name="Path">As written.</param>
/// <param name="Query">After the question mark.</param>
internal sealed record UrlValue(string Scheme, string Authority, string Path, string Query) : ILibraryValue
{
    private static readonly SearchValues<char> _notInHosts = SearchValues.Create(" \"<>\\^`{|}");

    public static CelType CelType { get; } = CelType.Opaque("kubernetes.URL");

    public CelType Type => CelType;

    public string HostName => Split().Name;

    public string Port => Split().Port;

    public static UrlValue? Parse(string text)
    {
        if (text.Length == 0 || text.AsSpan().ContainsAnyInRange('\0', ' ') || text.Contains('\u007f', StringComparison.Ordinal))
            return null;
        var scheme = "";
        var rest = text;
        if (text[0] != '/')
        {
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || !char.IsAsciiLetter(text[0]) || !text.AsSpan(0, colon).ToArray().All(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '-' or '.'))
                return null;
            (scheme, rest) = (text[..colon].ToLowerInvariant(), text[(colon + 1)..]);
        }

        var mark = rest.IndexOf('?', StringComparison.Ordinal);
        var query = mark < 0 ? "" : rest[(mark + 1)..];
        if (mark >= 0)
            rest = rest[..mark];
        var authority = "";
        if (scheme.Length > 0 && rest.StartsWith("//", StringComparison.Ordinal))
        {
            var slash = rest.IndexOf('/', 2);
            authority = slash < 0 ? rest[2..] : rest[2..slash];
            rest = slash < 0 ? "" : rest[slash..];
            authority = authority[(authority.LastIndexOf('@') + 1)..];
        }

        var url = new UrlValue(scheme, authority, rest, query);
        return IsEscaped(rest) && url.IsAuthority() ? url : null;
    }

    private (string Name, string Port) Split()
    {
        var close = Authority.LastIndexOf(']');
        var colon = Authority.IndexOf(':', Math.Max(close, 0));
        var (name, port) = colon < 0 ? (Authority, "") : (Authority[..colon], Authority[(colon + 1)..]);
        return (name.Trim('[', ']'), port);
    }

    private bool IsAuthority()
    {
        var port = Port;
        var name = HostName;
        return port.All(char.IsAsciiDigit)
            && Authority.Contains('[', StringComparison.Ordinal) == Authority.Contains(']', StringComparison.Ordinal)
            && !name.AsSpan().ContainsAny(_notInHosts)
            && (!Authority.StartsWith('[') || name.Contains(':', StringComparison.Ordinal));
    }

    private static bool IsEscaped(string path)
    {
        for (var i = 0; i < path.Length; i++)
        {
            if (path[i] == '%' && (i + 2 >= path.Length || !char.IsAsciiHexDigit(path[i + 1]) || !char.IsAsciiHexDigit(path[i + 2])))
                return false;
        }

        return true;
    }

    /// <summary>Every name with its values, in order.</summary>
    public HashMap QueryValues()
    {
        var values = new Dictionary<string, List<object>>();
        foreach (var pair in Query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var name = Unescape(equals < 0 ? pair : pair[..equals]);
            if (!values.TryGetValue(name, out var list))
                values[name] = list = [];
            list.Add(Unescape(equals < 0 ? "" : pair[(equals + 1)..]));
        }

        var map = new HashMap();
        foreach (var (name, list) in values)
            map.TryAdd(name, new ArrayList(list));
        return map;
    }

    /// <summary>The path with what may not stand in it escaped.</summary>
    public string EscapedPath() => string.Concat(Path.Select(c => c is < '\u0080' and not ('"' or '<' or '>' or '\\' or '^' or '`' or '{' or '|' or '}' or '#') ? c.ToString() : Uri.EscapeDataString(c.ToString())));

    private static string Unescape(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Scheme}{(Scheme.Length > 0 ? ":" : "")}{(Authority.Length > 0 ? "//" : "")}{Authority}{Path}{(Query.Length > 0 ? "?" : "")}{Query}");
}

/// <summary>Kubernetes' URL library.</summary>
internal static class UrlFunctions
{
    public static void AddTo(FunctionLibrary to)
    {
        var (url, text) = (UrlValue.CelType, CelType.String);
        to.Function("url", url, CallCost.ReadFirst, static x => (object?)UrlValue.Parse((string)x[0]) ?? new CelError($"URL parse error during conversion from string: parse \"{x[0]}\": invalid URI for request"), text);
        to.Function("isURL", CelType.Bool, CallCost.ReadFirst, static x => UrlValue.Parse((string)x[0]) is not null, text);
        to.Member("getScheme", text, CallCost.One, static x => ((UrlValue)x[0]).Scheme, url);
        to.Member("getHost", text, CallCost.One, static x => ((UrlValue)x[0]).Authority, url);
        to.Member("getHostname", text, CallCost.One, static x => ((UrlValue)x[0]).HostName, url);
        to.Member("getPort", text, CallCost.One, static x => ((UrlValue)x[0]).Port, url);
        to.Member("getEscapedPath", text, CallCost.One, static x => ((UrlValue)x[0]).EscapedPath(), url);
        to.Member("getQuery", CelType.Map(text, CelType.List(text)), CallCost.One, static x => ((UrlValue)x[0]).QueryValues(), url);
    }
}
