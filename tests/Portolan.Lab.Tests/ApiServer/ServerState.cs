using System.Net;
using System.Security.Cryptography;
using Portolan.Lab.Pki;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>A state directory with the keys an API server needs, gone when disposed.</summary>
internal sealed class ServerState : IDisposable
{
    private readonly CertificateAuthority _authority = new("test-ca", DateTimeOffset.UtcNow);

    public ServerState()
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("portolan-api-").FullName;
        System.IO.Directory.CreateDirectory(Path.Combine(Directory, "pki"));
        Write("ca", _authority.Credential);
        Write("apiserver", _authority.Issue("kube-apiserver", names: ["localhost"], addresses: [IPAddress.Loopback]));
        Write("apiserver-kubelet-client", _authority.Issue("kube-apiserver-kubelet-client"));
        Admin = _authority.Issue("kubernetes-admin", "system:masters");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        File.WriteAllText(Pki("sa.key"), key.ExportPkcs8PrivateKeyPem());
    }

    public string Directory { get; }

    public Credential Admin { get; }

    public string AuthorityPem => _authority.Credential.CertificatePem;

    public string Pki(string file) => Path.Combine(Directory, "pki", file);

    public Credential Issue(string commonName, string? organization = null, IEnumerable<IPAddress>? addresses = null) =>
        _authority.Issue(commonName, organization, addresses: addresses);

    public string WriteKubeconfig(string server)
    {
        var path = Path.Combine(Directory, "kubeconfig");
        File.WriteAllText(path, Kubeconfig.Compose("test", server, AuthorityPem, "admin", Admin));
        return path;
    }

    public void Dispose()
    {
        _authority.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private void Write(string name, Credential credential)
    {
        File.WriteAllText(Pki($"{name}.crt"), credential.CertificatePem);
        File.WriteAllText(Pki($"{name}.key"), credential.KeyPem);
    }
}
