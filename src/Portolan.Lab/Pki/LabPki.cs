using System.Net;
using System.Security.Cryptography;

using Portolan.Lab.Network;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Pki;

/// <summary>Every key and certificate of a lab, made at once and kept in its <c>pki</c> directory.</summary>
internal static class LabPki
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static void Create(LabLayout layout, Topology topology, DateTimeOffset now)
    {
        Directory.CreateDirectory(layout.PkiDirectory, OwnerOnly | UnixFileMode.UserExecute);
        using var authority = new CertificateAuthority("portolan-lab-ca", now);
        Write(layout, "ca", authority.Credential);
        Write(layout, "apiserver", authority.Issue(
            "kube-apiserver",
            names: ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost"],
            addresses: [.. topology.Find("control")!.Addresses, IPAddress.Parse("10.233.0.1"), .. topology.DualStack ? [IPAddress.Parse(Topology.ApiServerServiceAddress6)] : (IPAddress[])[], IPAddress.Loopback]));
        Write(layout, "apiserver-kubelet-client", authority.Issue("kube-apiserver-kubelet-client"));
        Write(layout, "admin", authority.Issue("kubernetes-admin", "system:masters"));
        Write(layout, "controllers", authority.Issue("system:kube-controller-manager"));
        foreach (var node in topology.Nodes)
            Write(layout, node.Name, authority.Issue($"system:node:{node.Name}", "system:nodes", [node.Name], node.Addresses));

        using var serviceAccounts = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        WriteSecret(layout.Pki("sa.key"), serviceAccounts.ExportPkcs8PrivateKeyPem() + "\n");
        File.WriteAllText(layout.Pki("sa.pub"), serviceAccounts.ExportSubjectPublicKeyInfoPem() + "\n");

        // The administrator's, as used on the lab's own hosts: the loopback port is the machine's, not theirs.
        WriteKubeconfig(layout, "inside", $"https://{Topology.ControlAddress}:6443", "admin");
        WriteKubeconfig(layout, "controllers", $"https://{Topology.ControlAddress}:6443");
        foreach (var node in topology.Nodes)
            WriteKubeconfig(layout, node.Name, $"https://{Topology.ControlAddress}:6443");
    }

    /// <summary>The person's own kubeconfig, written when the loopback port is known.</summary>
    public static void WriteAdminKubeconfig(LabLayout layout, int port) => WriteKubeconfig(layout, "admin", $"https://127.0.0.1:{port}");

    private static void WriteKubeconfig(LabLayout layout, string file, string server, string? user = null)
    {
        var who = user ?? file;
        var credential = new Credential(File.ReadAllText(layout.Pki($"{who}.crt")), File.ReadAllText(layout.Pki($"{who}.key")));
        var context = layout.Name == LabLayout.DefaultName ? "portolan-lab" : $"portolan-lab-{layout.Name}";
        WriteSecret(layout.Kubeconfig(file), Kubeconfig.Compose(context, server, File.ReadAllText(layout.Pki("ca.crt")), who, credential));
    }

    private static void Write(LabLayout layout, string name, Credential credential)
    {
        File.WriteAllText(layout.Pki($"{name}.crt"), credential.CertificatePem);
        WriteSecret(layout.Pki($"{name}.key"), credential.KeyPem);
    }

    /// <summary>Whole or not at all, and never readable by others: kubectl may be reading the file at this moment.</summary>
    private static void WriteSecret(string path, string content)
    {
        var temporary = path + ".new";
        using (var stream = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        using (var writer = new StreamWriter(stream))
            writer.Write(content);
        File.Move(temporary, path, overwrite: true);
    }
}
