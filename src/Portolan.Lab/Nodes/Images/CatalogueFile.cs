using System.Text.Json;
using System.Text.Json.Nodes;

using Portolan.Lab.Nodes.Containers;

namespace Portolan.Lab.Nodes.Images;

/// <summary>
/// <c>images.json</c> in the lab's state directory: images beside the built-in ones, and which image a node does not have.
/// <code>
/// {
///   "images": {
///     "example.com/echo": ["/usr/bin/socat", "TCP-LISTEN:80,fork", "EXEC:cat"],
///     "example.com/mine": { "entrypoint": ["/usr/local/bin/mine"], "command": ["serve"], "environment": {"A": "b"},
///                           "workingDirectory": "/", "mounts": {"/home/me/mine/bin/mine": "/usr/local/bin/mine"} }
///   },
///   "absent": { "node2": ["ghcr.io/portolan/portolan"] }
/// }
/// </code>
/// </summary>
/// <param name="Images">A list is the command of an image; an object says more.</param>
/// <param name="Absent">By node: images that cannot be pulled there.</param>
internal sealed record CatalogueFile(IReadOnlyList<Image> Images, IReadOnlyDictionary<string, IReadOnlyList<ImageName>> Absent)
{
    private static readonly CatalogueFile _none = new([], new Dictionary<string, IReadOnlyList<ImageName>>());

    /// <exception cref="FormatException">The file is not such a file; the message says where.</exception>
    public static CatalogueFile Read(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path));
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return _none;
        }
        catch (Exception wrong) when (wrong is JsonException or FormatException or InvalidOperationException)
        {
            throw new FormatException($"{path}: {wrong.Message}", wrong);
        }
    }

    internal static CatalogueFile Parse(string text)
    {
        var root = JsonNode.Parse(text, null, new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip }) as JsonObject
            ?? throw new FormatException("not a JSON object");
        var images = (root["images"] as JsonObject ?? []).Select(entry => Read(entry.Key, entry.Value)).ToList();
        var absent = (root["absent"] as JsonObject ?? []).ToDictionary(
            entry => entry.Key, entry => (IReadOnlyList<ImageName>)[.. Strings(entry.Value, $"absent.{entry.Key}").Select(ImageName.Parse)]);
        return new CatalogueFile(images, absent);
    }

    private static Image Read(string name, JsonNode? value)
    {
        var where = $"images[\"{name}\"]";
        if (value is JsonArray)
            return WithProgram(new Image(name, [], Strings(value, where)));
        if (value is not JsonObject json)
            throw new FormatException($"{where}: neither a list of arguments nor an object");
        return WithProgram(new Image(name, Strings(json["entrypoint"], $"{where}.entrypoint"), Strings(json["command"], $"{where}.command"))
        {
            Environment = Map(json["environment"], $"{where}.environment"),
            WorkingDirectory = (string?)json["workingDirectory"] ?? "/",
            Mounts = [.. Map(json["mounts"], $"{where}.mounts").Select(m => new ContainerMount(m.Key, m.Value, ReadOnly: true))],
        });
    }

    /// <summary>A program in a home directory, say, would be hidden in a container: it is shown under its own path.</summary>
    private static Image WithProgram(Image image)
    {
        var program = image.Entrypoint.Concat(image.Command).FirstOrDefault();
        if (program is null || !Path.IsPathRooted(program) || RootFileSystem.Shows(program) || image.Mounts.Any(m => m.Target == program))
            return image;
        return image with { Mounts = [.. image.Mounts, new ContainerMount(program, program, ReadOnly: true)] };
    }

    private static List<string> Strings(JsonNode? node, string where) => node switch
    {
        null => [],
        JsonArray list => [.. list.Select((item, i) => item?.GetValueKind() is JsonValueKind.String ? (string)item! : throw new FormatException($"{where}[{i}]: not a string"))],
        _ => throw new FormatException($"{where}: not a list"),
    };

    private static Dictionary<string, string> Map(JsonNode? node, string where) => node switch
    {
        null => [],
        JsonObject map => map.ToDictionary(e => e.Key, e => e.Value?.GetValueKind() is JsonValueKind.String ? (string)e.Value! : throw new FormatException($"{where}.{e.Key}: not a string")),
        _ => throw new FormatException($"{where}: not an object"),
    };
}
