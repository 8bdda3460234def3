using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Admission;
using Portolan.Lab.ApiServer.Cel;
using Portolan.Lab.ApiServer.Cel.Types;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>The <c>matchConditions</c> of a webhook or a policy: an expression that cannot be evaluated is refused here, never ignored later.</summary>
internal static class MatchConditionRules
{
    private const int Most = 64;

    public static void Check(JsonObject? owner, CelEnvironment environment, string path, ErrorList errors)
    {
        var conditions = owner.List("matchConditions")?.Count ?? 0;
        if (conditions > Most)
        {
            errors.TooMany(path + ".matchConditions", conditions, Most);
            return;
        }

        var names = new HashSet<string>();
        foreach (var (condition, at) in owner.Items("matchConditions", path))
        {
            if (condition.Str("name") is { Length: > 0 } name)
            {
                MetadataRules.CheckEach(at + ".name", name, NameRules.QualifiedName, errors);
                if (!names.Add(name))
                    errors.Duplicate(at + ".name", name);
            }
            else
                errors.Required(at + ".name");

            var expression = condition.Str("expression");
            if (string.IsNullOrWhiteSpace(expression))
            {
                errors.Required(at + ".expression");
                continue;
            }

            AdmissionVariables.Check(expression, environment, CelType.Bool, at + ".expression", errors);
        }
    }
}
