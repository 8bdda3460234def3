using System.Net;
using System.Security.Cryptography;
using Portolan.Lab.Pki;

namespace Portolan.Rig;

/// <summary>A state directory with the keys an API server needs, and its administrator's; gone when disposed.</summary>
internal sealed class ServerState : IDisposable
{
    private readonly CertificateAuthority _authority = new("rig-ca", DateTimeOffset.UtcNow);

    public ServerState()
    {
        Path = Directory.CreateTempSubdirectory("portolan-rig-").FullName;
        Directory.CreateDirectory(File("pki"));
        Write("ca", _authority.Credential);
        Write("apiserver", _authority.Issue("kube-apiserver", names: ["localhost"], addresses: [IPAddress.Loopback]));
        Write("apiserver-kubelet-client", _authority.Issue("kube-apiserver-kubelet-client", "system:masters"));
        Admin = _authority.Issue("kubernetes-admin", "system:masters");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        System.IO.File.WriteAllText(File("pki/sa.key"), key.ExportPkcs8PrivateKeyPem());
    }

    public string Path { get; }

    public Credential Admin { get; }

    public string AuthorityPem => _authority.Credential.CertificatePem;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a kubeconfig of the administrator for a server at the address.</summary>
    /// <returns>The file's path.</returns>
    public string WriteKubeconfig(string address)
    {
        System.IO.File.WriteAllText(File("admin.conf"), Kubeconfig.Compose("rig", address, AuthorityPem, "kubernetes-admin", Admin));
        return File("admin.conf");
    }

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(Path, recursive: true);
    }

    private void Write(string name, Credential credential)
    {
        System.IO.File.WriteAllText(File($"pki/{name}.crt"), credential.CertificatePem);
        System.IO.File.WriteAllText(File($"pki/{name}.key"), credential.KeyPem);
    }
}
