using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;
using Portolan.Lab.ApiServer.Schema.Custom;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>A form that texts may have, by name.</summary>
/// <param name="Name">As <c>format.named</c> takes it.</param>
/// <param name="Problems">What is wrong with a text; nothing when it has the form.</param>
internal sealed record NamedFormat(string Name, Func<string, IEnumerable<string>> Problems) : ILibraryValue
{
    public static CelType CelType { get; } = CelType.Opaque("kubernetes.NamedFormat");

    public CelType Type => CelType;
}

/// <summary>Kubernetes' format library.</summary>
internal static class FormatFunctions
{
    private static readonly NamedFormat[] _formats =
    [
        new("dns1123Label", NameRules.DnsLabel),
        new("dns1123Subdomain", NameRules.DnsSubdomain),
        new("dns1035Label", NameRules.Dns1035Label),
        new("qualifiedName", NameRules.QualifiedName),
        new("dns1123LabelPrefix", static text => NameRules.DnsLabel(Prefix(text))),
        new("dns1123SubdomainPrefix", static text => NameRules.DnsSubdomain(Prefix(text))),
        new("dns1035LabelPrefix", static text => NameRules.Dns1035Label(Prefix(text))),
        new("labelValue", NameRules.LabelValue),
        new("uri", static text => UrlValue.Parse(text) is null ? [$"parse \"{text}\": invalid URI for request"] : []),
        new("uuid", static text => Formats.Matches("uuid", text) ? [] : ["does not match the UUID format"]),
        new("byte", static text => Formats.Matches("byte", text) ? [] : ["invalid base64"]),
        new("date", static text => Formats.Matches("date", text) ? [] : ["invalid date"]),
        new("datetime", static text => CelTimestamp.Parse(text) is null ? ["invalid datetime"] : []),
    ];

    public static void AddTo(FunctionLibrary to)
    {
        foreach (var format in _formats)
            to.Function($"format.{format.Name}", NamedFormat.CelType, CallCost.One, _ => format);
        to.Function("format.named", CelType.Optional(NamedFormat.CelType), CallCost.One, static x => Array.Find(_formats, format => format.Name == (string)x[0]) is { } found ? new CelOptional(found) : CelOptional.None, CelType.String);
        to.Member("validate", CelType.Optional(CelType.List(CelType.String)), CallCost.ReadSecond, static x => Validate((NamedFormat)x[0], (string)x[1]), NamedFormat.CelType, CelType.String);
    }

    private static CelOptional Validate(NamedFormat format, string text)
    {
        var problems = format.Problems(text).ToList<object>();
        return problems.Count == 0 ? CelOptional.None : new CelOptional(new ArrayList(problems));
    }

    // A prefix may end in the dash that what follows it comes after.
    private static string Prefix(string text) => text.EndsWith('-') && text.Length > 1 ? text[..^1] + "a" : text;
}
