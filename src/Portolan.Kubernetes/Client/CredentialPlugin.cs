using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Portolan.Kubernetes.Client;

/// <summary>What a credential plugin answered.</summary>
/// <param name="Token">A bearer token, or null.</param>
/// <param name="Certificate">A client certificate, or null.</param>
/// <param name="Expires">Ask again from then on; null: when the server refuses.</param>
internal sealed record PluginCredential(string? Token, LoadedCertificate? Certificate, DateTimeOffset? Expires);

/// <summary>
/// A program that is asked for credentials (<c>user.exec</c>; client.authentication.k8s.io/v1 and v1beta1). It learns what is wanted from the
/// environment variable <c>KUBERNETES_EXEC_INFO</c> and answers with an ExecCredential on standard output.
/// </summary>
public sealed class CredentialPlugin
{
    private static readonly string[] _versions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(1);
    private readonly string _apiVersion;
    private readonly string _command;
    private readonly IReadOnlyList<string> _arguments;
    private readonly IReadOnlyList<(string Name, string Value)> _environment;
    private readonly string _interactiveMode;
    private readonly string _installHint;
    private readonly JsonObject? _cluster;
    private readonly string _place;

    private CredentialPlugin(JsonObject exec, KubeConfig.Entry user, JsonObject? cluster)
    {
        _place = $"{user.File}: users[{user.Name}].user.exec";
        _apiVersion = KubeConfig.Text(exec["apiVersion"]) ?? "";
        if (Array.IndexOf(_versions, _apiVersion) < 0)
            throw user.Wrong("exec.apiVersion", $"'{_apiVersion}' is neither {_versions[0]} nor {_versions[1]}");
        var command = KubeConfig.Text(exec["command"]) is { Length: > 0 } found ? found : throw user.Wrong("exec.command", "is not set");

        // A bare name is looked for on the PATH, a path beside the kubeconfig.
        _command = command.Contains('/') ? Path.Combine(user.Directory, command) : command;
        _arguments = [.. (exec["args"] as JsonArray ?? []).Select(argument => KubeConfig.Text(argument) ?? "")];
        _environment = [.. (exec["env"] as JsonArray ?? []).Select(variable => (KubeConfig.Text(variable?["name"]) ?? "", KubeConfig.Text(variable?["value"]) ?? "")).Where(variable => variable.Item1.Length > 0)];
        _interactiveMode = KubeConfig.Text(exec["interactiveMode"]) ?? (_apiVersion == _versions[1] ? "IfAvailable" : throw user.Wrong("exec.interactiveMode", "is not set; it is Never, IfAvailable or Always"));
        if (_interactiveMode is not ("Never" or "IfAvailable" or "Always"))
            throw user.Wrong("exec.interactiveMode", $"'{_interactiveMode}' is none of Never, IfAvailable and Always");
        _installHint = KubeConfig.Text(exec["installHint"])?.Trim() ?? "";
        _cluster = cluster;
    }

    internal static CredentialPlugin Read(JsonNode exec, KubeConfig.Entry user, KubeConfig.Entry cluster, Uri server)
    {
        var fields = exec as JsonObject ?? throw user.Wrong("exec", "is not an object");
        return new CredentialPlugin(fields, user, KubeConfig.Text(fields["provideClusterInfo"]) is "true" ? ClusterInfo(cluster, server) : null);
    }

    /// <summary>Asks it.</summary>
    /// <exception cref="KubeConfigException">It is not there, failed, or did not answer as agreed.</exception>
    internal async Task<PluginCredential> AskAsync()
    {
        // The user may be asked something only where there is one.
        var terminal = !Console.IsInputRedirected && !Console.IsErrorRedirected;
        if (_interactiveMode is "Always" && !terminal)
            throw new KubeConfigException($"{_place}.interactiveMode: Always, but standard input is not a terminal");
        var interactive = terminal && _interactiveMode is not "Never";
        using var process = Start(interactive);
        using var limit = interactive ? new CancellationTokenSource() : new CancellationTokenSource(_patience);
        try
        {
            var output = await process.StandardOutput.ReadToEndAsync(limit.Token).ConfigureAwait(false);
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            return process.ExitCode == 0 ? Parse(output) : throw new KubeConfigException($"{_place}: {_command} failed with exit code {process.ExitCode}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new KubeConfigException($"{_place}: {_command} did not answer within {_patience.TotalSeconds:0} s");
        }
    }

    private Process Start(bool interactive)
    {
        // Standard error stays ours: it is where plugins talk to people.
        var start = new ProcessStartInfo(_command, _arguments) { RedirectStandardOutput = true, RedirectStandardInput = !interactive, UseShellExecute = false };
        foreach (var (name, value) in _environment)
            start.Environment[name] = value;
        var spec = new JsonObject { ["interactive"] = interactive };
        if (_cluster is not null)
            spec["cluster"] = _cluster.DeepClone();
        start.Environment["KUBERNETES_EXEC_INFO"] = new JsonObject { ["kind"] = "ExecCredential", ["apiVersion"] = _apiVersion, ["spec"] = spec }.ToJsonString();
        try
        {
            var process = Process.Start(start)!;
            if (!interactive)
                process.StandardInput.Close();
            return process;
        }
        catch (Win32Exception e)
        {
            throw new KubeConfigException($"{_place}.command: {_command} cannot be started: {e.Message}{(_installHint.Length > 0 ? "\n" + _installHint : "")}", e);
        }
    }

    private PluginCredential Parse(string output)
    {
        try
        {
            using var document = JsonDocument.Parse(output);
            var root = document.RootElement;
            if (Text(root, "kind") != "ExecCredential" || Text(root, "apiVersion") != _apiVersion)
                throw new KubeConfigException($"{_place}: {_command} answered with {Text(root, "kind") ?? "no kind"} of {Text(root, "apiVersion") ?? "no apiVersion"}, not with ExecCredential of {_apiVersion}");
            var status = root.TryGetProperty("status", out var found) ? found : default;
            var (token, certificate, key) = (Text(status, "token"), Text(status, "clientCertificateData"), Text(status, "clientKeyData"));
            if (token is null && certificate is null && key is null)
                throw new KubeConfigException($"{_place}: {_command} answered with neither a token nor a client certificate");
            if (certificate is null != key is null)
                throw new KubeConfigException($"{_place}: {_command} answered with {(key is null ? "clientCertificateData but no clientKeyData" : "clientKeyData but no clientCertificateData")}");
            DateTimeOffset? expires = Text(status, "expirationTimestamp") is { } when ? DateTimeOffset.Parse(when, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal) : null;
            return new PluginCredential(token, certificate is null ? null : ClientCertificate.Load(certificate, key!), expires);
        }
        catch (Exception e) when (e is JsonException or FormatException or CryptographicException)
        {
            throw new KubeConfigException($"{_place}: the answer of {_command} cannot be read: {e.Message}", e);
        }
    }

    private static string? Text(JsonElement holder, string name) =>
        holder.ValueKind is JsonValueKind.Object && holder.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;

    private static JsonObject ClusterInfo(KubeConfig.Entry cluster, Uri server)
    {
        var info = new JsonObject { ["server"] = server.OriginalString };
        foreach (var field in (string[])["tls-server-name", "insecure-skip-tls-verify", "proxy-url", "disable-compression"])
            if (cluster.Value[field] is { } value)
                info[field] = value.DeepClone();
        if (cluster.Data("certificate-authority-data") is not null)
            info["certificate-authority-data"] = cluster.Value["certificate-authority-data"]!.DeepClone();
        else if (cluster.Path("certificate-authority") is { } file)
            info["certificate-authority-data"] = Convert.ToBase64String(File.ReadAllBytes(file));
        foreach (var extension in cluster.Value["extensions"] as JsonArray ?? [])
            if (KubeConfig.Text(extension?["name"]) is "client.authentication.k8s.io/exec")
                info["config"] = extension!["extension"]?.DeepClone();
        return info;
    }
}
