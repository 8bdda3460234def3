using System.Text.Json.Nodes;
using Portolan.Commands.Import;
using Portolan.Kubernetes.Yaml;

namespace Portolan.Tests.Import;

/// <summary>Converts texts as the command does, and reads what came of them.</summary>
internal static class Imported
{
    public static ImportResult Kubespray(params string[] texts)
    {
        var notices = new ImportNotices();
        var commentedOut = new Dictionary<string, SourcePlace>(StringComparer.Ordinal);
        var documents = texts.SelectMany((text, at) => ImportInput.Documents(text, at == 0 ? "addons.yml" : "k8s-cluster.yml", notices, commentedOut)).ToList();
        return KubesprayImport.Convert(documents, null, notices, name => commentedOut.TryGetValue(name, out var place) ? place : null);
    }

    public static ImportResult MetalLb(string text)
    {
        var notices = new ImportNotices();
        return MetalLbConfigImport.Convert(ImportInput.Documents(text, "config.yaml", notices), null, notices);
    }

    /// <summary><c>Kind/name</c> of every object.</summary>
    public static IEnumerable<string> Titles(this ImportResult result) => result.Objects.Select(item => $"{(string)item["kind"]!}/{(string)item["metadata"]!["name"]!}");

    /// <summary>The specification of an object, as JSON on one line.</summary>
    public static string Spec(this ImportResult result, string title) => result.Object(title)["spec"]!.ToJsonString();

    public static JsonObject Object(this ImportResult result, string title) =>
        Assert.Single(result.Objects, item => $"{(string)item["kind"]!}/{(string)item["metadata"]!["name"]!}" == title);

    /// <summary>Demands one notice that says this.</summary>
    public static void Says(this ImportResult result, string line)
    {
        var all = string.Join('\n', result.Notices);
        Assert.True(result.Notices.Count(notice => notice.ToString().Contains(line, StringComparison.Ordinal)) == 1, $"not once: {line}\nin:\n{all}");
    }

    public static void IsQuiet(this ImportResult result, ImportSeverity from = ImportSeverity.Warning) =>
        Assert.Empty(result.Notices.Where(notice => notice.Severity >= from).Select(notice => notice.ToString()));

    /// <summary>The JSON on one line, from YAML that is easier to read.</summary>
    public static string Line(string yaml) => YamlJson.Document(yaml).ToJsonString();
}
