using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Portolan.Kubernetes.Yaml;

namespace Portolan.Kubernetes.Client;

/// <summary>
/// Reads kubeconfig files (the client-go format, <c>v1 Config</c>). Several are merged as kubectl merges them: of two entries with one name the
/// first counts, as does the first current-context; a file's relative paths are relative to that file.
/// </summary>
internal static class KubeConfig
{
    public static ClusterConnection Load(IReadOnlyList<string> paths, Uri? master)
    {
        var files = paths.Select(path => (Path: path, Root: Read(path))).ToList();
        var (said, contextName) = files.Select(file => (file.Path, Name: Text(file.Root["current-context"]))).FirstOrDefault(file => !string.IsNullOrEmpty(file.Name));
        if (string.IsNullOrEmpty(contextName))
            throw new KubeConfigException($"{string.Join(':', paths)}: current-context is not set");
        var context = Named(files, said, "contexts", contextName, "context");
        var cluster = Named(files, context.File, "clusters", Text(context.Value["cluster"]), "cluster");
        var user = Text(context.Value["user"]) is { Length: > 0 } name ? Named(files, context.File, "users", name, "user") : new Entry(context.File, "users", "", "user", []);

        var server = Text(cluster.Value["server"]);
        if (master is null && !Uri.TryCreate(server, UriKind.Absolute, out master))
            throw cluster.Wrong("server", $"'{server}' is not a URL");
        if (user.Value["auth-provider"] is { } provider)
            throw user.Wrong("auth-provider", $"'{Text(provider["name"])}' is built into old kubectl versions only; use its credential plugin (user.exec), a certificate or a token");
        try
        {
            return new ClusterConnection
            {
                Server = master,
                Authorities = Certificates(cluster),
                TlsServerName = Text(cluster.Value["tls-server-name"]) is { Length: > 0 } tlsName ? tlsName : null,
                InsecureSkipTlsVerify = Flag(cluster, "insecure-skip-tls-verify"),
                Proxy = Proxy(cluster),
                ClientCertificate = ClientCertificate(user),
                Token = Text(user.Value["token"]),
                TokenFile = user.Path("tokenFile"),
                BasicUser = Text(user.Value["username"]) is { Length: > 0 } login ? login : null,
                BasicPassword = Text(user.Value["password"]),
                Impersonation = Impersonated(user),
                Plugin = user.Value["exec"] is { } exec ? CredentialPlugin.Read(exec, user, cluster, master) : null,
                Namespace = Text(context.Value["namespace"]) is { Length: > 0 } ns ? ns : "default",
            };
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException or FormatException or InvalidOperationException)
        {
            throw new KubeConfigException($"{string.Join(':', paths)}: {e.Message}", e);
        }
    }

    private static JsonNode Read(string path)
    {
        try
        {
            return YamlJson.Document(File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new KubeConfigException($"{path}: {e.Message}", e);
        }
    }

    private static Entry Named(List<(string Path, JsonNode Root)> files, string asked, string list, string? name, string member)
    {
        foreach (var (path, root) in files)
            foreach (var entry in root[list] as JsonArray ?? [])
                if (Text(entry?["name"]) == name && entry?[member] is JsonObject found)
                    return new Entry(path, list, name!, member, found);
        throw new KubeConfigException($"{asked}: {list}: there is no '{name}'");
    }

    private static X509Certificate2Collection Certificates(Entry cluster)
    {
        var certificates = new X509Certificate2Collection();
        if (cluster.Data("certificate-authority-data") is { } data)
            certificates.ImportFromPem(data);
        else if (cluster.Path("certificate-authority") is { } file)
            certificates.ImportFromPem(File.ReadAllText(file));
        return certificates;
    }

    private static ClientCertificate? ClientCertificate(Entry user)
    {
        var (certificate, key) = (user.Data("client-certificate-data"), user.Data("client-key-data"));
        var (certificateFile, keyFile) = (certificate is null ? user.Path("client-certificate") : null, key is null ? user.Path("client-key") : null);
        if (certificate is null && certificateFile is null && key is null && keyFile is null)
            return null;
        if (certificate is null && certificateFile is null)
            throw user.Wrong("client-certificate", "is not set, but client-key is");
        if (key is null && keyFile is null)
            throw user.Wrong("client-key", "is not set, but client-certificate is");
        var pair = new ClientCertificate(certificate, certificateFile, key, keyFile);
        pair.Load().Certificate.Dispose();   // what is wrong with it is said now
        return pair;
    }

    private static Uri? Proxy(Entry cluster)
    {
        if (Text(cluster.Value["proxy-url"]) is not { Length: > 0 } text)
            return null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var proxy) || proxy.Scheme is not ("http" or "https" or "socks5"))
            throw cluster.Wrong("proxy-url", $"'{text}' is not an http, https or socks5 URL");
        return proxy;
    }

    private static Impersonation? Impersonated(Entry user)
    {
        var (name, uid) = (Text(user.Value["as"]), Text(user.Value["as-uid"]));
        var group = Only(user, user.Value["as-groups"], "as-groups");
        var extra = (user.Value["as-user-extra"] as JsonObject ?? []).ToDictionary(pair => pair.Key, pair => Only(user, pair.Value, $"as-user-extra[{pair.Key}]") ?? "", StringComparer.Ordinal);
        if (string.IsNullOrEmpty(name))
            return string.IsNullOrEmpty(uid) && group is null && extra.Count == 0 ? null : throw user.Wrong("as", "is not set, but another field of impersonation is");
        return new Impersonation(name, string.IsNullOrEmpty(uid) ? null : uid, group, extra);
    }

    private static string? Only(Entry user, JsonNode? list, string field) => (list as JsonArray ?? []) switch
    {
        [] => null,
        [var one] => Text(one),
        _ => throw user.Wrong(field, "more than one value cannot be sent by this client"),
    };

    private static bool Flag(Entry entry, string field) => Text(entry.Value[field]) switch
    {
        null or "" or "false" => false,
        "true" => true,
        var other => throw entry.Wrong(field, $"'{other}' is neither true nor false"),
    };

    internal static string? Text(JsonNode? node) => node is JsonValue value ? value.ToString() : null;

    /// <summary>A named entry of one of the lists.</summary>
    internal sealed record Entry(string File, string List, string Name, string Member, JsonObject Value)
    {
        /// <summary>The file of a relative path is looked for beside the kubeconfig.</summary>
        public string? Path(string field) => Text(Value[field]) is { Length: > 0 } file ? System.IO.Path.Combine(Directory, file) : null;

        public string Directory => System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(File))!;

        /// <summary>Base64 of a PEM; it counts before a file, as in client-go.</summary>
        public string? Data(string field)
        {
            if (Text(Value[field]) is not { Length: > 0 } data)
                return null;
            try
            {
                return Encoding.UTF8.GetString(Convert.FromBase64String(data));
            }
            catch (FormatException e)
            {
                throw Wrong(field, e.Message);
            }
        }

        public KubeConfigException Wrong(string field, string rule) => new($"{File}: {List}[{Name}].{Member}.{field}: {rule}");
    }
}
