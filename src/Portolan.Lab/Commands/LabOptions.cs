using System.CommandLine;

using Portolan.Lab.Network;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

/// <summary>Options and arguments that several commands share.</summary>
internal static class LabOptions
{
    public static Option<string> Name()
    {
        var option = new Option<string>("--name") { Description = "Which lab, where there are several on this machine.", DefaultValueFactory = _ => LabLayout.DefaultName };
        option.Validators.Add(result =>
        {
            try
            {
                _ = new LabLayout(result.GetValueOrDefault<string>());
            }
            catch (ArgumentException e)
            {
                result.AddError($"--name: {e.Message}");
            }
        });
        return option;
    }

    public static Option<string> Output()
    {
        var option = new Option<string>("--output", "-o") { Description = "How to print: text or json.", DefaultValueFactory = _ => "text" };
        option.AcceptOnlyFromAmong("text", "json");
        return option;
    }

    public static Argument<string> Host() => new("host") { Description = "router, control, client, remote, or node1, node2, …" };

    /// <summary>The lab that stands, and the host in it.</summary>
    /// <exception cref="LabException">There is no such lab, or no such host in it.</exception>
    public static (Topology Topology, LabHost Host) Find(LabLayout layout, string host)
    {
        var spec = LabSpec.Read(layout) ?? throw new LabException($"there is no lab '{layout.Name}': portolan lab up makes one");
        var topology = spec.Topology(layout);
        return (topology, topology.Find(host)
            ?? throw new LabException($"there is no host '{host}': the hosts are {string.Join(", ", topology.Hosts.Select(h => h.Name))}", CommandLine.WrongUsage));
    }

    public static void RequireRoot()
    {
        if (Environment.UserName != "root" && !Environment.IsPrivilegedProcess)
            throw new LabException("a lab is made of network namespaces and cgroups, which only root may make: run it with sudo");
    }
}
