using System.Text;

namespace Portolan.Lab.Pki;

internal static class Kubeconfig
{
    /// <summary>A kubeconfig that carries everything it needs, so that it can be copied to another place.</summary>
    public static string Compose(string context, string server, string authorityPem, string user, Credential credential) => $"""
        apiVersion: v1
        kind: Config
        current-context: {context}
        clusters:
        - name: {context}
          cluster:
            server: {server}
            certificate-authority-data: {Base64(authorityPem)}
        contexts:
        - name: {context}
          context:
            cluster: {context}
            user: {user}
        users:
        - name: {user}
          user:
            client-certificate-data: {Base64(credential.CertificatePem)}
            client-key-data: {Base64(credential.KeyPem)}

        """;

    private static string Base64(string pem) => Convert.ToBase64String(Encoding.ASCII.GetBytes(pem));
}
