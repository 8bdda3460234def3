using System.Text;

namespace Portolan.Lab.ApiServer.Schema.Custom.Rules;

/// <summary>A rule's fieldPath: steps to a field from where the rule is, <c>.spec.name</c> or <c>['odd.name']</c>, of which the schema must know each.</summary>
internal static class RuleFieldPath
{
    /// <returns>The path as errors show it, <c>spec.name</c> or <c>labels[key]</c>; null when it leads nowhere.</returns>
    public static string? Resolve(string path, StructuralSchema schema)
    {
        var shown = new StringBuilder();
        for (var at = 0; at < path.Length;)
        {
            string name;
            if (path[at] == '.')
            {
                var end = path.AsSpan(at + 1).IndexOfAny('.', '[', ']');
                end = end < 0 ? path.Length : at + 1 + end;
                name = path[(at + 1)..end];
                at = end;
            }
            else if (path[at] == '[' && Quoted(path, ref at) is { } quoted)
            {
                name = quoted;
            }
            else
            {
                return null;
            }

            if (name.Length == 0)
                return null;
            if (schema.Properties.Count > 0)
            {
                if (!schema.Properties.TryGetValue(name, out var child))
                    return null;
                shown.Append(shown.Length > 0 ? "." : "").Append(name);
                schema = child;
            }
            else if (schema.Values is { } values)
            {
                shown.Append('[').Append(name).Append(']');
                schema = values;
            }
            else
            {
                return null;
            }
        }

        return shown.Length > 0 ? shown.ToString() : null;
    }

    private static string? Quoted(string path, ref int at)
    {
        if (at + 1 >= path.Length || path[at + 1] != '\'')
            return null;
        var name = new StringBuilder();
        for (var i = at + 2; i < path.Length; i++)
        {
            if (path[i] == '\\' && i + 1 < path.Length && path[i + 1] is '\'' or '\\')
                name.Append(path[++i]);
            else if (path[i] != '\'')
                name.Append(path[i]);
            else if (i + 1 < path.Length && path[i + 1] == ']')
            {
                at = i + 2;
                return name.ToString();
            }
            else
            {
                return null;
            }
        }

        return null;
    }
}
