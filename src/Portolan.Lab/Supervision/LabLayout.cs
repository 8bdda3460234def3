using System.Text.RegularExpressions;

namespace Portolan.Lab.Supervision;

/// <summary>Where everything of one lab is on the machine: every name and path derives from the lab's name, so a lab can be found and removed by its name alone.</summary>
internal sealed partial record LabLayout
{
    public const string DefaultName = "lab";

    public string Name { get; }

    /// <param name="name">Lower-case letters and digits, at most 12: it becomes part of namespace names, where a hyphen separates the parts.</param>
    /// <exception cref="ArgumentException">The name does not fit.</exception>
    public LabLayout(string name)
    {
        if (!NamePattern().IsMatch(name))
            throw new ArgumentException($"'{name}' is not a lab name: use 1 to 12 lower-case letters and digits, a letter first");
        Name = name;
    }

    /// <summary>Survives a crash of the lab and of the machine.</summary>
    public string StateDirectory => $"/var/lib/portolan/lab/{Name}";

    /// <summary>Sockets and what else is void after a crash.</summary>
    public string RunDirectory => $"/run/portolan/lab/{Name}";

    public string PkiDirectory => Path.Combine(StateDirectory, "pki");
    public string Pki(string file) => Path.Combine(PkiDirectory, file);
    public string Kubeconfig(string who) => Path.Combine(StateDirectory, $"{who}.kubeconfig");
    public string StorePath => Path.Combine(StateDirectory, "store.db");
    public string LogDirectory => Path.Combine(StateDirectory, "logs");
    public string Log(string process) => Path.Combine(LogDirectory, $"{process}.log");

    /// <summary>Copies of the executables, on a path that pods can see.</summary>
    public string BinDirectory => Path.Combine(StateDirectory, "bin");

    /// <summary>The image catalogue, as <see cref="Portolan.Lab.Nodes.Images.CatalogueFile"/> describes it.</summary>
    public string ImagesPath => Path.Combine(StateDirectory, "images.json");

    public string NodeDirectory(string node) => Path.Combine(StateDirectory, "nodes", node);
    public string SpecPath => Path.Combine(StateDirectory, "lab.json");

    /// <summary>What the router's BIRD is told.</summary>
    public string RouterConfiguration => Path.Combine(StateDirectory, "router.conf");

    /// <summary>Where <c>birdc -s</c> finds it.</summary>
    public string RouterSocket => Path.Combine(RunDirectory, "bird.ctl");
    public string SupervisorSocket => Path.Combine(RunDirectory, "supervisor.sock");

    /// <summary>All namespaces of the lab, and of no other lab, begin with this.</summary>
    public string NamespacePrefix => $"portolan-{Name}-";

    public string Namespace(string host) => NamespacePrefix + host;

    public static string NamespacePath(string namespaceName) => $"/run/netns/{namespaceName}";

    /// <summary>The cgroup subtree that holds every process of the lab; killing it ends the lab whatever state it is in.</summary>
    public string Cgroup => Path.Combine(Cgroups.MountPoint, $"portolan-lab-{Name}");

    /// <summary>The subtree of one host: its power switch. Processes live in leaves below it (<c>agent</c>, <c>exec</c>, <c>pods/…</c>).</summary>
    public string HostCgroup(string host) => Path.Combine(Cgroup, host);

    [GeneratedRegex("^[a-z][a-z0-9]{0,11}$")]
    private static partial Regex NamePattern();
}
