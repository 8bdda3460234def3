using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Hosting;

namespace Portolan.Commands.Import;

/// <summary>Manifests to one stream, what to know about them to the other.</summary>
internal static class ImportPrinter
{
    private static readonly JsonSerializerOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Indented = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, WriteIndented = true };

    /// <returns>The exit code: not well when something could not be converted or will not work.</returns>
    public static int Print(ImportResult result, bool asJson, TextWriter output, TextWriter error)
    {
        foreach (var notice in result.Notices.GroupBy(notice => notice.Place.File, StringComparer.Ordinal).SelectMany(file => file.OrderBy(notice => notice.Place.Line)))
            error.WriteLine(asJson ? Json(notice).ToJsonString(OneLine) : notice.ToString());
        if (asJson)
        {
            if (result.HelmValues.Count > 0)
                error.WriteLine(new JsonObject { ["helmValues"] = result.HelmValues.DeepClone() }.ToJsonString(OneLine));
            output.WriteLine(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "List", ["items"] = new JsonArray([.. result.Objects.Select(item => item.DeepClone())]) }.ToJsonString(Indented));
        }
        else
        {
            if (result.HelmValues.Count > 0)
            {
                output.Write("# What the source says about the processes, as values of the Helm chart:\n");
                foreach (var line in YamlText.Document(result.HelmValues).TrimEnd('\n').Split('\n'))
                    output.Write($"#   {line}\n");
            }

            output.Write(YamlText.Documents(result.Objects));
        }

        return result.HasErrors ? ExitCode.NotWell : ExitCode.Done;
    }

    private static JsonObject Json(ImportNotice notice) => new()
    {
        ["severity"] = notice.Severity.ToString().ToLowerInvariant(),
        ["file"] = notice.Place.File,
        ["line"] = notice.Place.Line,
        ["path"] = notice.Path,
        ["message"] = notice.Message,
    };
}
