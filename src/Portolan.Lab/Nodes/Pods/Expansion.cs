using System.Text;

namespace Portolan.Lab.Nodes.Pods;

/// <summary><c>$(NAME)</c> in command, args and env values (Kubernetes, "dependent environment variables"): an unknown name stays as it is written, <c>$$</c> is a dollar.</summary>
internal static class Expansion
{
    public static string Expand(string text, Func<string, string?> lookup)
    {
        if (!text.Contains('$'))
            return text;
        var result = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '$' || i + 1 == text.Length)
            {
                result.Append(text[i]);
            }
            else if (text[i + 1] == '$')
            {
                result.Append('$');
                i++;
            }
            else if (text[i + 1] == '(' && text.IndexOf(')', i + 2) is > 0 and var end)
            {
                var name = text[(i + 2)..end];
                result.Append(lookup(name) ?? text[i..(end + 1)]);
                i = end;
            }
            else
            {
                result.Append('$');
            }
        }
        return result.ToString();
    }
}
