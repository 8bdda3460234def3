using Portolan.Lab.ApiServer.Cel.Types;

namespace Portolan.Lab.ApiServer.Schema.Custom.Rules;

/// <summary>The compiled rules of a schema, in its shape; parts without rules are left out.</summary>
internal sealed class RuleTree
{
    private RuleTree(StructuralSchema schema, DataType type, CompiledRule[] rules) => (Schema, Type, Rules) = (schema, type, rules);

    public StructuralSchema Schema { get; }

    public DataType Type { get; }

    public IReadOnlyList<CompiledRule> Rules { get; }

    public RuleTree? Items { get; private init; }

    public RuleTree? Values { get; private init; }

    public IReadOnlyDictionary<string, RuleTree> Properties { get; private init; } = new Dictionary<string, RuleTree>();

    /// <returns>Null when the schema has no rules.</returns>
    public static RuleTree? Build(StructuralSchema root) => HasRules(root) ? Build(root, SchemaTypes.Of(root, isResourceRoot: true, "selfType"), "selfType") : null;

    private static RuleTree? Build(StructuralSchema schema, DataType? type, string name)
    {
        if (type is null)
            return null;
        var items = schema.Items is null ? null : Build(schema.Items, type.Element, name + "[]");
        var values = schema.Values is null ? null : Build(schema.Values, type.Element, name + "{}");
        var properties = new Dictionary<string, RuleTree>(StringComparer.Ordinal);
        foreach (var (property, child) in schema.Properties)
        {
            // What other rules cannot name has a type of its own nevertheless.
            var known = Escaping.Escape(property) is { } escaped && type.Fields.TryGetValue(escaped, out var field) && field.JsonName == property ? field.Type : SchemaTypes.Of(child, child.Embedded, $"{name}.{property}");
            if (Build(child, known, $"{name}.{property}") is { } node)
                properties[property] = node;
        }

        var rules = schema.Rules.Where(rule => !string.IsNullOrWhiteSpace(rule.Rule)).Select(rule => CompiledRule.Compile(rule, schema, type)).ToArray();
        return rules.Length == 0 && items is null && values is null && properties.Count == 0
            ? null
            : new RuleTree(schema, type, rules) { Items = items, Values = values, Properties = properties };
    }

    private static bool HasRules(StructuralSchema schema) =>
        schema.Rules.Count > 0 || (schema.Items is not null && HasRules(schema.Items)) || (schema.Values is not null && HasRules(schema.Values)) || schema.Properties.Values.Any(HasRules);
}
