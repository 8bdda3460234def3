using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Cel;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Admission;

/// <summary>What expressions about requests see: <c>object</c>, <c>oldObject</c> and <c>request</c>, of no declared type. There is no <c>authorizer</c>.</summary>
internal static class AdmissionVariables
{
    public static CelEnvironment Environment { get; } = new(new Dictionary<string, CelVariable>
    {
        ["object"] = new(DataType.Any),
        ["oldObject"] = new(DataType.Any),
        ["request"] = new(DataType.Any),
    });

    /// <param name="review">The AdmissionReview that a webhook would get.</param>
    public static Dictionary<string, object> Of(byte[] review)
    {
        var request = StoredJson.Parse(review)!["request"]!.AsObject();
        return new() { ["object"] = Value(Take(request, "object")), ["oldObject"] = Value(Take(request, "oldObject")), ["request"] = Value(request) };
    }

    /// <summary>Refuses an expression that does not compile, or does not give what is wanted.</summary>
    public static void Check(string expression, CelEnvironment environment, CelType wanted, string path, ErrorList errors)
    {
        var (program, problems) = CelProgram.Compile(expression, environment);
        if (program is null)
            errors.Invalid(path, expression, $"compilation failed: {CelProblem.Display(problems, expression)}");
        else if (!program.ResultType.Equals(wanted))
            errors.Invalid(path, expression, $"must evaluate to {wanted}");
    }

    private static object Value(JsonNode? node) => JsonValues.Of(node, DataType.Any);

    // The objects have names of their own.
    private static JsonNode? Take(JsonObject request, string name)
    {
        var node = request[name];
        request.Remove(name);
        return node;
    }
}
