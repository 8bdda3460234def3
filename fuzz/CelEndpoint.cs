using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Portolan.Lab.ApiServer.Cel;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Fuzz;

/// <summary>Evaluates an expression over variables of every shape, and says what it came to: refused, a value, an error, or too dear.</summary>
internal static class CelEndpoint
{
    private const ulong CostLimit = 1_000_000;

    private static readonly Dictionary<string, JsonNode> Values = new()
    {
        ["self"] = JsonNode.Parse("""{"name":"abc","replicas":3,"ratio":0.5,"on":true,"none":null,"list":[1,2,3],"words":["a","b"],"map":{"a":1,"b":2},"items":[{"k":"x","v":1},{"k":"y"}],"when":"2026-01-01T00:00:00Z","ip":"10.0.0.1"}""")!,
        ["oldSelf"] = JsonNode.Parse("""{"name":"abd","replicas":2,"list":[1]}""")!,
        ["text"] = JsonNode.Parse("\"héllo wörld, a fairly long text of words\"")!,
        ["number"] = JsonNode.Parse("42")!,
    };

    private static readonly CelEnvironment Environment = new(Values.Keys.ToDictionary(name => name, _ => new CelVariable(DataType.Any)));

    public static async Task ServeAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        var expression = await reader.ReadToEndAsync();
        await http.Response.WriteAsync(Outcome(expression));
    }

    private static string Outcome(string expression)
    {
        var (program, problems) = CelProgram.Compile(expression, Environment);
        if (program is null) return problems.Count > 0 && CelProblem.Display(problems, expression).Length > 0 ? "refused" : throw new InvalidOperationException("refused without a reason");
        // Values are read lazily and by one evaluation at a time.
        var result = program.Evaluate(Values.ToDictionary(v => v.Key, v => JsonValues.Of(v.Value.DeepClone(), DataType.Any)), CostLimit);
        return result.IsTooDear ? "too dear" : result.Error is null ? "value" : "error";
    }
}
