using System.Text.RegularExpressions;
using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Patterns;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>Regular expressions: whether one occurs in a text, and where.</summary>
internal static class RegexFunctions
{
    private static readonly CelType _text = CelType.String;

    public static void AddTo(FunctionLibrary to)
    {
        to.Function("matches", CelType.Bool, CallCost.Match, static x => With(x[1], regex => regex.IsMatch((string)x[0])), _text, _text);
        to.Member("matches", CelType.Bool, CallCost.Match, static x => With(x[1], regex => regex.IsMatch((string)x[0])), _text, _text);
        to.Member("find", _text, CallCost.Find, static x => With(x[1], regex => regex.Match((string)x[0]).Value), _text, _text);
        to.Member("findAll", CelType.List(_text), CallCost.Find, static x => With(x[1], regex => All(regex, (string)x[0], -1)), _text, _text);
        to.Member("findAll", CelType.List(_text), CallCost.Find, static x => With(x[1], regex => All(regex, (string)x[0], (long)x[2])), _text, _text, CelType.Int);
    }

    private static object With(object pattern, Func<Regex, object> use) =>
        Re2.TryCompile((string)pattern, out var problem) is { } regex ? use(regex) : new CelError(problem!);

    private static ArrayList All(Regex regex, string text, long limit)
    {
        var found = new List<object>();
        for (var match = regex.Match(text); match.Success && (limit < 0 || found.Count < limit); match = match.NextMatch())
            found.Add(match.Value);
        return new ArrayList(found);
    }
}
