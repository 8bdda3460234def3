using Portolan.Lab.Nodes.Containers;

namespace Portolan.Lab.Nodes.Images;

/// <summary>An image that this node cannot run; the message is what the container's status and the event say.</summary>
internal sealed class ImageNotFoundException(string message) : Exception(message);

/// <summary>There is no registry to pull from: images are names for programs, built in or listed in a file that is read at every pull.</summary>
/// <param name="node">The node that asks.</param>
/// <param name="file">Where <see cref="CatalogueFile"/> lies.</param>
/// <param name="lab">The path of <c>portolan-lab</c>.</param>
/// <param name="portolan">The path of <c>portolan</c>.</param>
internal sealed class ImageCatalogue(string node, string file, string lab, string portolan)
{
    private readonly List<Image> _builtIn =
    [
        OwnProgram("ghcr.io/c1t1d0s7/go-myweb", lab, "web"),
        new("ghcr.io/c1t1d0s7/network-multitool", [], ["/bin/sh"]) { Environment = new Dictionary<string, string> { ["PS1"] = "$PWD # " } },
        OwnProgram("portolan", portolan),
        OwnProgram("portolan-lab", lab),
    ];

    public string FilePath => file;

    /// <exception cref="ImageNotFoundException">This node cannot run the image; the message says why, and what to do.</exception>
    public Image Pull(string text)
    {
        CatalogueFile listed;
        try
        {
            listed = CatalogueFile.Read(file);
        }
        catch (FormatException wrong)
        {
            throw new ImageNotFoundException($"{wrong.Message}");
        }
        var wanted = ImageName.Parse(text);
        var image = listed.Images.Concat(_builtIn).FirstOrDefault(i => wanted.IsMeantBy(ImageName.Parse(i.Name)));
        if (image is null)
            throw new ImageNotFoundException($"image \"{text}\" not found: a lab has no registry; its images are {string.Join(", ", listed.Images.Concat(_builtIn).Select(i => i.Name))}. "
                + $"Add one with: portolan lab image add {wanted.Repository} -- PROGRAM [ARGUMENT…] (it is written to {file})");
        if (listed.Absent.TryGetValue(node, out var absent) && absent.Any(wanted.IsMeantBy))
            throw new ImageNotFoundException($"image \"{text}\" is absent on {node}, as {file} says. Bring it back with: portolan lab image add {wanted.Repository} --node {node}");
        return image;
    }

    /// <summary>One of our own programs. The directory it was built in may be hidden in a container, so it is shown on a path that is not.</summary>
    private static Image OwnProgram(string image, string path, params string[] arguments)
    {
        var program = Path.GetFileName(path);
        if (!File.Exists(path + ".dll"))
            return new Image(image, [$"/usr/local/bin/{program}", .. arguments], []) { Mounts = [new ContainerMount(path, $"/usr/local/bin/{program}", ReadOnly: true)] };
        // Not compiled to native code: the program is a directory.
        var target = $"/usr/local/lib/{program}";
        return new Image(image, [$"{target}/{program}", .. arguments], [])
        {
            Mounts = [new ContainerMount(Path.GetDirectoryName(path)!, target, ReadOnly: true)],
            Environment = new Dictionary<string, string> { ["PATH"] = $"{target}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
        };
    }
}
