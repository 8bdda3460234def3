using System.CommandLine;
using System.Globalization;

using Portolan.Kubernetes.Client;
using Portolan.Lab.Nodes.Networking;
using Portolan.Lab.Nodes.Pods;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

/// <summary>Packets of a host or a pod, by the machine's tcpdump. This process becomes it: Ctrl-C and the exit code are its own.</summary>
internal static class CaptureCommand
{
    public static Command Create()
    {
        var name = LabOptions.Name();
        var host = new Argument<string>("host") { Description = "router, control, client, remote, node1, … or a pod: NAMESPACE/POD" };
        var device = new Option<string>("--interface", "-i") { Description = "Which of its interfaces, or any.", DefaultValueFactory = _ => "eth0" };
        var file = new Option<string?>("--write", "-w") { Description = "Write packets to this file (pcap, for Wireshark) instead of printing them; - is standard output." };
        var seconds = new Option<int?>("--seconds") { Description = "Stop after so many seconds; without it, at Ctrl-C." };
        seconds.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is <= 0)
                result.AddError("--seconds: from 1");
        });
        var filter = new Argument<string[]>("filter") { Description = "Which packets, as tcpdump has it, after --: arp or port 80", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("capture", "Show or write a host's packets: portolan lab capture node1 -w node1.pcap -- arp") { name, device, file, seconds, host, filter };
        command.SetAction(async Task<int> (parsed, cancel) =>
        {
            LabOptions.RequireRoot();
            var layout = new LabLayout(parsed.GetValue(name)!);
            var path = LabLayout.NamespacePath(await NamespaceAsync(layout, parsed.GetValue(host)!, cancel).ConfigureAwait(false));
            if (!File.Exists(path))
                throw new LabException($"{parsed.GetValue(host)} is not there");

            // The lab's, not the host's: a capture is no program of the host, and sees what happens while that is frozen. It ends with the lab.
            var cgroup = Path.Combine(layout.Cgroup, "captures");
            Directory.CreateDirectory(cgroup);
            File.WriteAllText(Path.Combine(cgroup, "cgroup.procs"), "0");

            throw new LabException(NativeMethods.Become("nsenter",
                [$"--net={path}", "--", .. Limit(parsed.GetValue(seconds)), "tcpdump", "-n", "--immediate-mode", "-i", parsed.GetValue(device)!, .. Output(parsed.GetValue(file)), .. parsed.GetValue(filter)!]));
        });
        return command;
    }

    /// <summary>Ended as by Ctrl-C, so that what was caught is written.</summary>
    private static string[] Limit(int? seconds) =>
        seconds is { } limit ? ["timeout", "--foreground", "--preserve-status", "--signal=INT", limit.ToString(CultureInfo.InvariantCulture)] : [];

    /// <summary>The file is the caller's, whoever sudo made of them; packets are in it as they come, so that stopping loses none.</summary>
    private static string[] Output(string? file) =>
        file is null ? ["-l"] : ["-U", "-Z", Environment.GetEnvironmentVariable("SUDO_USER") is { Length: > 0 } caller ? caller : "root", "-w", file];

    private static async Task<string> NamespaceAsync(LabLayout layout, string name, CancellationToken cancel)
    {
        if (name.Split('/') is not [var ns, var podName])
            return layout.Namespace(LabOptions.Find(layout, name).Host.Name);
        using var client = new KubeClient(ClusterConnection.Load(layout.Kubeconfig("admin")));
        var pod = await client.FindAsync(Pod.Type, ns, podName, cancel).ConfigureAwait(false) ?? throw new LabException($"there is no pod {name}");
        if (pod.Spec.NodeName is not { Length: > 0 } node)
            throw new LabException($"{name} is on no node yet");
        return pod.Spec.HostNetwork == true ? layout.Namespace(node) : PodNetwork.NamespaceOf(layout.Namespace(node) + "-", pod.Uid);
    }
}
