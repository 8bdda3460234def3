using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Portolan.Lab.Pki;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Auth;

/// <summary>What kubectl shows people of their rights, and its commands about them.</summary>
public sealed class KubectlAuthTests(RunningServer server) : IClassFixture<RunningServer>
{
    /// <summary>Runs the machine's kubectl as somebody; arguments are separated by blanks, a <c>~</c> is a blank in one.</summary>
    private async Task<(int Code, string Output)> RunAsync(Credential who, string arguments, string? input = null)
    {
        var kubeconfig = Path.Combine(server.State.Directory, $"{Guid.NewGuid():N}.kubeconfig");
        await File.WriteAllTextAsync(kubeconfig, Kubeconfig.Compose("test", server.Address, server.State.AuthorityPem, "who", who), TestContext.Current.CancellationToken);
        var start = new ProcessStartInfo("kubectl") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["--kubeconfig", kubeconfig, "--cache-dir", Path.Combine(server.State.Directory, "cache"), .. arguments.Split(' ')]) start.ArgumentList.Add(argument.Replace('~', ' '));
        using var process = Process.Start(start)!;
        if (input is not null) await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output + await error);
    }

    private async Task<string> AsAdminAsync(string arguments, string? input = null)
    {
        var (code, output) = await RunAsync(server.State.Admin, arguments, input);
        Assert.True(code == 0, $"{arguments}: exit code {code}\n{output}");
        return output;
    }

    private static void RequireKubectl()
    {
        if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => File.Exists(Path.Combine(d, "kubectl")))) Assert.Skip("there is no kubectl on this machine");
    }

    [Fact]
    public async Task TellsPeopleWhatTheyMay()
    {
        RequireKubectl();
        var ns = (await server.NamespaceAsync()).Split('/')[4];
        var user = server.State.Issue($"user-{ns}", "dev");
        Assert.Contains($"pods is forbidden: User \"user-{ns}\" cannot list resource \"pods\" in API group \"\" in the namespace \"{ns}\"", (await RunAsync(user, $"get pods -n {ns}")).Output);
        Assert.StartsWith("no", (await RunAsync(user, $"auth can-i list pods -n {ns}")).Output, StringComparison.Ordinal);
        await AsAdminAsync($"create role reader -n {ns} --verb=get,list --resource=pods,pods/log");
        await AsAdminAsync($"create rolebinding reader -n {ns} --role=reader --user=user-{ns}");
        Assert.StartsWith("yes", (await RunAsync(user, $"auth can-i list pods -n {ns}")).Output, StringComparison.Ordinal);
        Assert.StartsWith("no", (await RunAsync(user, $"auth can-i delete pods -n {ns}")).Output, StringComparison.Ordinal);
        Assert.Contains("No resources found", (await RunAsync(user, $"get pods -n {ns}")).Output);
        var list = (await RunAsync(user, $"auth can-i --list -n {ns}")).Output;
        Assert.Matches(@"pods/log +\[\] +\[\] +\[get list\]", list);
        Assert.Matches(@"selfsubjectaccessreviews\.authorization\.k8s\.io +\[\] +\[\] +\[create\]", list);
        Assert.Matches(@"\[/api/\*\] +\[\] +\[get\]", list);
        Assert.StartsWith("yes", await AsAdminAsync($"auth can-i get pods/log -n {ns} --as user-{ns}"), StringComparison.Ordinal);
        var who = await AsAdminAsync("auth whoami --as=carl --as-group=dev --as-group=ops");
        Assert.Contains("carl", who);
        Assert.Contains("[dev ops system:authenticated]", who);
        Assert.Contains("cannot impersonate resource \"users\"", (await RunAsync(user, "get pods --as=admin")).Output);
    }

    [Fact]
    public async Task MakesTokensThatLetIn()
    {
        RequireKubectl();
        var ns = (await server.NamespaceAsync()).Split('/')[4];
        await AsAdminAsync($"create secret generic holder -n {ns}");
        var token = (await AsAdminAsync($"create token default -n {ns} --duration=20m --bound-object-kind=Secret --bound-object-name=holder")).Trim();
        using var client = server.Anonymous();
        client.Token = token;
        await client.DoAsync("GET", "/api");
        await AsAdminAsync($"delete secret holder -n {ns}");
        await client.RefusedAsync(401, "GET", "/api");
        client.Token = (await AsAdminAsync($"create token default -n {ns} --audience=vault")).Trim();
        await client.RefusedAsync(401, "GET", "/api");
    }

    [Fact]
    public async Task ReconcilesRoles()
    {
        RequireKubectl();
        const string Role = """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: reconciled}
            rules:
            - {apiGroups: [""], resources: [pods], verbs: [get]}
            """;
        Assert.Contains("reconciled", await AsAdminAsync("auth reconcile -f -", Role));
        Assert.Contains("missing rules added", await AsAdminAsync("auth reconcile -f -", Role.Replace("[get]", "[get, watch]", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task ApprovesCertificates()
    {
        RequireKubectl();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var pem = new CertificateRequest("CN=joan", key, HashAlgorithmName.SHA256).CreateSigningRequestPem();
        await AsAdminAsync("apply -f -", $$"""
            apiVersion: certificates.k8s.io/v1
            kind: CertificateSigningRequest
            metadata: {name: joan}
            spec:
              request: {{Convert.ToBase64String(Encoding.ASCII.GetBytes(pem))}}
              signerName: kubernetes.io/kube-apiserver-client
              expirationSeconds: 86400
              usages: [client auth]
            """);
        Assert.Matches(@"joan +\d+s +kubernetes\.io/kube-apiserver-client +kubernetes-admin +24h +Pending", await AsAdminAsync("get csr joan"));
        Assert.Contains("joan approved", await AsAdminAsync("certificate approve joan"));
        await AsAdminAsync("wait csr/joan --for=jsonpath={.status.certificate} --timeout=20s");
        Assert.Contains("Approved,Issued", await AsAdminAsync("get csr joan"));
    }
}
