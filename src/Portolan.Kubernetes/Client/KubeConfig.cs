using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Portolan.Kubernetes.Yaml;

namespace Portolan.Kubernetes.Client;

/// <summary>Reads a kubeconfig file (the client-go format, <c>v1 Config</c>).</summary>
internal static class KubeConfig
{
    public static ClusterConnection Load(string path, Uri? master)
    {
        JsonNode root;
        try
        {
            root = YamlJson.Document(File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new KubeConfigException($"{path}: {e.Message}", e);
        }

        var contextName = Text(root["current-context"]);
        if (string.IsNullOrEmpty(contextName))
            throw new KubeConfigException($"{path}: current-context is not set");
        var context = Named(root, path, "contexts", contextName, "context");
        var cluster = Named(root, path, "clusters", Text(context["cluster"]), "cluster");
        var user = context["user"] is null ? [] : Named(root, path, "users", Text(context["user"]), "user");
        if (user["exec"] is not null)
            throw new KubeConfigException($"{path}: users[{Text(context["user"])}].user.exec: credential plugins are not supported; use a certificate, a token or a token file");

        var server = Text(cluster["server"]);
        if (master is null && !Uri.TryCreate(server, UriKind.Absolute, out master))
            throw new KubeConfigException($"{path}: clusters[{Text(context["cluster"])}].cluster.server: '{server}' is not a URL");
        var directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        try
        {
            return new ClusterConnection
            {
                Server = master,
                Authorities = Certificates(Pem(cluster, "certificate-authority", directory)),
                TlsServerName = Text(cluster["tls-server-name"]),
                InsecureSkipTlsVerify = cluster["insecure-skip-tls-verify"]?.GetValue<bool>() ?? false,
                Proxy = Text(cluster["proxy-url"]) is { Length: > 0 } proxy ? new Uri(proxy) : null,
                ClientCertificate = ClientCertificate(Pem(user, "client-certificate", directory), Pem(user, "client-key", directory)),
                Token = Text(user["token"]),
                TokenFile = Text(user["tokenFile"]) is { Length: > 0 } file ? Path.Combine(directory, file) : null,
                Namespace = Text(context["namespace"]) is { Length: > 0 } ns ? ns : "default",
            };
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException or FormatException or UriFormatException or InvalidOperationException)
        {
            throw new KubeConfigException($"{path}: {e.Message}", e);
        }
    }

    private static JsonObject Named(JsonNode root, string path, string list, string? name, string member)
    {
        foreach (var entry in root[list] as JsonArray ?? [])
            if (Text(entry?["name"]) == name && entry?[member] is JsonObject found)
                return found;
        throw new KubeConfigException($"{path}: {list}: there is no '{name}'");
    }

    // Inline base64 wins over a file name, as in client-go.
    private static string? Pem(JsonObject holder, string field, string directory) =>
        Text(holder[$"{field}-data"]) is { Length: > 0 } data ? Encoding.UTF8.GetString(Convert.FromBase64String(data))
        : Text(holder[field]) is { Length: > 0 } file ? File.ReadAllText(Path.Combine(directory, file))
        : null;

    private static X509Certificate2Collection Certificates(string? pem)
    {
        var certificates = new X509Certificate2Collection();
        if (pem is not null)
            certificates.ImportFromPem(pem);
        return certificates;
    }

    private static X509Certificate2? ClientCertificate(string? certificate, string? key) =>
        certificate is null || key is null ? null : X509Certificate2.CreateFromPem(certificate, key);

    private static string? Text(JsonNode? node) => node is JsonValue value ? value.ToString() : null;
}
