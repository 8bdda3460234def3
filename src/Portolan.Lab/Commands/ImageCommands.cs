using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

using Portolan.Lab.Nodes.Images;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

/// <summary>Edits the catalogue that stands in for a registry; nodes read it at every pull.</summary>
internal static class ImageCommands
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public static Command Create() => new("image", "Say which images there are, and which node lacks one.") { Add(), Remove() };

    private static Command Add()
    {
        var (name, nodes) = (LabOptions.Name(), Nodes());
        var image = new Argument<string>("image") { Description = "The image's name, with or without a tag." };
        var program = new Argument<string[]>("program") { Description = "What the image runs, after --", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("add", "Bring an image back to nodes that lack it, or give a name to a program: image add example.com/echo -- /usr/bin/cat") { name, nodes, image, program };
        command.SetAction(parsed => Change(new LabLayout(parsed.GetValue(name)!), parsed.GetValue(nodes)!, parsed.GetValue(image)!, (file, on, what) =>
        {
            foreach (var node in on)
                Absent(file, node, list => list.RemoveAll(entry => entry == what));
            if (parsed.GetValue(program) is { Length: > 0 } words)
                Part(file, "images")[what] = new JsonArray([.. words.Select(w => (JsonNode)w)]);
            return $"{what} is on {string.Join(", ", on)}";
        }));
        return command;
    }

    private static Command Remove()
    {
        var (name, nodes) = (LabOptions.Name(), Nodes());
        var image = new Argument<string>("image") { Description = "The image's name, with or without a tag." };
        var command = new Command("rm", "Make an image absent: new pods that want it there end in ImagePullBackOff.") { name, nodes, image };
        command.SetAction(parsed => Change(new LabLayout(parsed.GetValue(name)!), parsed.GetValue(nodes)!, parsed.GetValue(image)!, (file, on, what) =>
        {
            foreach (var node in on)
            {
                Absent(file, node, list =>
                {
                    if (!list.Contains(what))
                        list.Add(what);
                });
            }
            return $"{what} is absent on {string.Join(", ", on)}";
        }));
        return command;
    }

    private static Option<string[]> Nodes() =>
        new("--node") { Description = "Which node; may be repeated. Without it, all.", DefaultValueFactory = _ => [] };

    private static int Change(LabLayout layout, string[] nodes, string image, Func<JsonObject, IReadOnlyList<string>, string, string> change)
    {
        LabOptions.RequireRoot();
        var spec = LabSpec.Read(layout) ?? throw new LabException($"there is no lab '{layout.Name}': portolan lab up makes one");
        foreach (var node in nodes)
        {
            if (!LabOptions.Find(layout, node).Host.IsNode)
                throw new LabException($"{node} runs no pods: give one of node1 to node{spec.Nodes}", CommandLine.WrongUsage);
        }
        IReadOnlyList<string> on = nodes.Length > 0 ? nodes : [.. Enumerable.Range(1, spec.Nodes).Select(n => $"node{n}")];

        var path = layout.ImagesPath;
        try
        {
            CatalogueFile.Read(path);   // a file that somebody broke by hand is not made worse
        }
        catch (FormatException e)
        {
            throw new LabException(e.Message);
        }
        var file = File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path), null, new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip })!.AsObject() : [];
        var said = change(file, on, image);
        File.WriteAllText(path + ".new", file.ToJsonString(s_indented) + "\n");
        File.Move(path + ".new", path, overwrite: true);
        Console.WriteLine(said);
        return CommandLine.Done;
    }

    private static void Absent(JsonObject file, string node, Action<List<string>> change)
    {
        var absent = Part(file, "absent");
        var list = (absent[node] as JsonArray ?? []).Select(n => (string)n!).ToList();
        change(list);
        if (list.Count == 0)
            absent.Remove(node);
        else
            absent[node] = new JsonArray([.. list.Select(n => (JsonNode)n)]);
    }

    private static JsonObject Part(JsonObject file, string name)
    {
        if (file[name] is not JsonObject part)
            file[name] = part = [];
        return part;
    }
}
