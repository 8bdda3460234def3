using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Cel;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Admission.Policies;

/// <summary>The named expressions of a policy, which its others use as <c>variables.name</c>; each may use those before it.</summary>
internal sealed class PolicyVariables
{
    private readonly Dictionary<string, CelProgram> _programs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CelType> _types = new(StringComparer.Ordinal);

    /// <summary>What expressions see that come after all of them.</summary>
    public CelEnvironment Environment => With(_types);

    /// <summary>What is known before any of them: to match conditions.</summary>
    public static CelEnvironment WithoutVariables { get; } = With([]);

    /// <param name="spec">Of the policy.</param>
    /// <param name="errors">Receives what is wrong; null when the policy is stored and so checked.</param>
    public static PolicyVariables Of(JsonObject? spec, ErrorList? errors)
    {
        var variables = new PolicyVariables();
        foreach (var (variable, at) in spec.Items("variables", "spec"))
            variables.Add(variable.Str("name"), variable.Str("expression"), at, errors);
        return variables;
    }

    /// <summary>The variables' values, found when they are first asked for.</summary>
    /// <param name="values">What the expressions see; this map is added to it.</param>
    /// <param name="budget">What they may cost.</param>
    public void AddTo(Dictionary<string, object> values, PolicyBudget budget) => values["variables"] = new LazyValues(_programs, values, budget);

    private void Add(string name, string expression, string at, ErrorList? errors)
    {
        if (name.Length == 0)
            errors?.Required(at + ".name", "name is not specified");
        else if (Escaping.Escape(name) != name || name.AsSpan().ContainsAny('.', '-', '/'))
            errors?.Invalid(at + ".name", name, "name is not a valid CEL identifier");
        if (string.IsNullOrWhiteSpace(expression))
        {
            errors?.Required(at + ".expression", "expression is not specified");
            return;
        }

        var (program, problems) = CelProgram.Compile(expression, Environment);
        if (program is null)
        {
            errors?.Invalid(at + ".expression", expression, $"compilation failed: {CelProblem.Display(problems, expression)}");
            return;
        }

        if (!_programs.TryAdd(name, program))
            errors?.Duplicate(at + ".name", name);
        _types[name] = program.ResultType;
    }

    private static CelEnvironment With(Dictionary<string, CelType> variables)
    {
        var declared = AdmissionVariables.Environment.Variables.ToDictionary(variable => variable.Key, variable => variable.Value);
        declared["params"] = new CelVariable(DataType.Any);
        declared["namespaceObject"] = new CelVariable(DataType.Any);
        declared["variables"] = new CelVariable(CelType.Object("kubernetes.variables", new Dictionary<string, CelType>(variables)), null);
        return new CelEnvironment(declared);
    }

    private sealed class LazyValues(Dictionary<string, CelProgram> programs, Dictionary<string, object> values, PolicyBudget budget) : CelMap
    {
        private readonly Dictionary<string, object> _found = new(StringComparer.Ordinal);

        public override int Count => programs.Count;

        public override IEnumerable<object> Keys => programs.Keys;

        public override object? Find(object key)
        {
            if (key is not string name || !programs.TryGetValue(name, out var program))
                return null;
            if (_found.TryGetValue(name, out var known))
                return known;
            var result = budget.Evaluate(program, values);
            return _found[name] = result.Error is { } error ? new CelError($"composited variable \"{name}\" fails to evaluate: {error}") : result.Value;
        }
    }
}
