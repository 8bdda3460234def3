using System.Security.Cryptography.X509Certificates;

namespace Portolan.Kubernetes.Client;

/// <summary>Where a cluster's API is and how to prove who we are to it.</summary>
public sealed class ClusterConnection
{
    internal const string ServiceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>The API server's base URL.</summary>
    public required Uri Server { get; init; }

    /// <summary>The authorities its certificate must chain to; empty means the machine's own.</summary>
    public X509Certificate2Collection Authorities { get; init; } = [];

    /// <summary>The name the server's certificate must carry, where it differs from the URL's host (<c>tls-server-name</c>).</summary>
    public string? TlsServerName { get; init; }

    /// <summary>Skips the check of the server's certificate (<c>insecure-skip-tls-verify</c>).</summary>
    public bool InsecureSkipTlsVerify { get; init; }

    /// <summary>Our certificate and key, or null.</summary>
    public ClientCertificate? ClientCertificate { get; init; }

    /// <summary>A fixed bearer token, or null.</summary>
    public string? Token { get; init; }

    /// <summary>A file with a bearer token that may be rotated under us, or null; it counts before <see cref="Token"/>.</summary>
    public string? TokenFile { get; init; }

    /// <summary>The user of HTTP's basic authentication, or null.</summary>
    public string? BasicUser { get; init; }

    /// <summary>The user's password.</summary>
    public string? BasicPassword { get; init; }

    /// <summary>A program that is asked for a token or a certificate, or null; what it answers counts before all of the above.</summary>
    public CredentialPlugin? Plugin { get; init; }

    /// <summary>Whom requests are to be taken to come from, or null.</summary>
    public Impersonation? Impersonation { get; init; }

    /// <summary>A proxy in front of the server (<c>proxy-url</c>), or null.</summary>
    public Uri? Proxy { get; init; }

    /// <summary>The namespace of commands that name none.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>
    /// Finds the cluster: the named kubeconfig, else <c>$KUBECONFIG</c>, else the pod's service account, else <c>~/.kube/config</c>.
    /// </summary>
    /// <param name="kubeconfigPath">An explicit kubeconfig file, or null.</param>
    /// <param name="masterUrl">Overrides the server's URL (kube-proxy's <c>--master</c>), or null.</param>
    /// <exception cref="KubeConfigException">Nothing was found, or what was found cannot be used; the message names file and field.</exception>
    public static ClusterConnection Load(string? kubeconfigPath = null, string? masterUrl = null)
    {
        var master = masterUrl is null ? null
            : Uri.TryCreate(masterUrl, UriKind.Absolute, out var url) ? url
            : throw new KubeConfigException($"--master {masterUrl}: not a URL");
        if (kubeconfigPath is not null)
            return KubeConfig.Load([kubeconfigPath], master);
        if (Listed(Environment.GetEnvironmentVariable("KUBECONFIG")) is { Count: > 0 } listed)
            return KubeConfig.Load(listed, master);
        if (File.Exists(Path.Combine(ServiceAccountDirectory, "token")))
            return InCluster(master);
        var home = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".kube", "config");
        return File.Exists(home)
            ? KubeConfig.Load([home], master)
            : throw new KubeConfigException("no cluster to talk to: set KUBECONFIG or --kubeconfig, or run as a pod with a service account");
    }

    private static ClusterConnection InCluster(Uri? master)
    {
        var host = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST");
        var port = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_PORT");
        if (master is null && (string.IsNullOrEmpty(host) || string.IsNullOrEmpty(port)))
            throw new KubeConfigException("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
        if (host?.Contains(':') == true)
            host = $"[{host}]";
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(Path.Combine(ServiceAccountDirectory, "ca.crt"));
        var namespaceFile = Path.Combine(ServiceAccountDirectory, "namespace");
        return new ClusterConnection
        {
            Server = master ?? new Uri($"https://{host}:{port}"),
            Authorities = authorities,
            TokenFile = Path.Combine(ServiceAccountDirectory, "token"),
            Namespace = File.Exists(namespaceFile) ? File.ReadAllText(namespaceFile).Trim() : "default",
        };
    }

    // Files that are not there do not count; if none is, the first is named as missing.
    private static IReadOnlyList<string> Listed(string? list) => list?.Split(':', StringSplitOptions.RemoveEmptyEntries) is [var first, ..] all
        ? all.Where(File.Exists).Distinct(StringComparer.Ordinal).ToList() is { Count: > 0 } there ? there : [first]
        : [];
}

/// <summary>The way to a cluster cannot be worked out; the message says which file and field is at fault.</summary>
public sealed class KubeConfigException(string message, Exception? inner = null) : Exception(message, inner);
