using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>What people type, with every kubectl from 1.27 on that the machine has.</summary>
public sealed partial class KubectlTests(RunningServer server) : IClassFixture<RunningServer>
{
    /// <summary>Versioned binaries lie beside the real file of the dispatcher; a plain kubectl stands for itself.</summary>
    public static TheoryData<string> Binaries()
    {
        var found = new TheoryData<string>();
        foreach (var directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
        {
            var plain = new FileInfo(Path.Combine(directory, "kubectl"));
            if (!plain.Exists) continue;
            var real = plain.ResolveLinkTarget(returnFinalTarget: true) ?? plain;
            var versioned = Directory.GetFiles(Path.GetDirectoryName(real.FullName)!, "kubectl.1.*").Where(f => Versioned().IsMatch(f) && int.Parse(f.Split('.')[^1]) >= 27).Order().ToList();
            foreach (var file in versioned.Count > 0 ? versioned : [real.FullName]) found.Add(file);
            break;
        }

        if (!found.Any()) found.Add("");
        return found;
    }

    internal async Task<(int Code, string Output)> RunAsync(string binary, string ns, string arguments, string? input = null)
    {
        var start = new ProcessStartInfo(binary) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        var cache = Path.Combine(server.State.Directory, "cache-" + Path.GetFileName(binary));
        foreach (var argument in (string[])["--kubeconfig", server.State.WriteKubeconfig(server.Address), "--cache-dir", cache, "-n", ns, .. arguments.Split(' ')])
            start.ArgumentList.Add(argument.Replace('~', ' '));
        using var process = Process.Start(start)!;
        if (input is not null) await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            Assert.Fail($"{arguments}: no end after 60 s");
        }

        return (process.ExitCode, await output + await error);
    }

    [Theory]
    [MemberData(nameof(Binaries))]
    public async Task DoesWhatPeopleDo(string binary)
    {
        if (binary.Length == 0) Assert.Skip("there is no kubectl on this machine");
        var ns = (await server.NamespaceAsync()).Split('/')[4];
        async Task<string> Ok(string arguments, string? input = null)
        {
            var (code, output) = await RunAsync(binary, ns, arguments, input);
            Assert.True(code == 0, $"{arguments}: exit code {code}\n{output}");
            return output;
        }

        async Task<string> Fails(string arguments, string? input = null)
        {
            var (code, output) = await RunAsync(binary, ns, arguments, input);
            Assert.True(code != 0, $"{arguments}: succeeded\n{output}");
            return output;
        }

        var port = 32000 + int.Parse(ns[1..]);
        var service = $$"""
            apiVersion: v1
            kind: Service
            metadata:
              name: web
            spec:
              type: LoadBalancer
              selector: {app: web}
              ports:
              - port: 80
                nodePort: {{port}}
            """;
        Assert.Contains("service/web created", await Ok("create -f -", service));
        Assert.Matches($@"NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nweb +LoadBalancer +10\.233\.\d+\.\d+ +<pending> +80:{port}/TCP +\d+s\n", await Ok("get svc"));
        Assert.Contains($"Invalid value: {port}: provided port is already allocated", await Fails("create -f -", service.Replace("name: web", "name: web2", StringComparison.Ordinal)));
        Assert.Contains("unknown field \"spec.portz\"", await Fails("create -f -", service.Replace("ports:", "portz:", StringComparison.Ordinal)));
        Assert.Contains("services \"nope\" not found", await Fails("get svc nope"));

        const string Deployment = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              replicas: 3
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec: {containers: [{name: web, image: web, ports: [{containerPort: 80}]}]}
            """;
        Assert.Contains("deployment.apps/web created", await Ok("apply -f -", Deployment));
        Assert.Contains("deployment.apps/web unchanged", await Ok("apply -f -", Deployment));
        Assert.Contains("deployment.apps/web configured", await Ok("apply -f -", Deployment.Replace("replicas: 3", "replicas: 2", StringComparison.Ordinal)));
        Assert.Contains("deployment.apps/web scaled", await Ok("scale deployment web --replicas=4"));
        Assert.Equal("4", await Ok("get deploy web -o jsonpath={.spec.replicas}"));
        Assert.Contains("deployment.apps/web image updated", await Ok("set image deployment/web web=other"));
        Assert.Contains("serverside-applied", await Ok("apply --server-side --force-conflicts -f -", Deployment));
        Assert.Contains("service/web labeled", await Ok("label svc web a=b"));
        Assert.Contains("service/web annotate", await Ok("annotate svc web c=d"));
        Assert.Contains("service/web patched", await Ok("""patch svc web -p {"spec":{"externalTrafficPolicy":"Local"}}"""));
        Assert.Contains("service/web patched", await Ok("""patch svc web --subresource=status --type=merge -p {"status":{"loadBalancer":{"ingress":[{"ip":"192.168.100.240"}]}}}"""));
        Assert.Contains(" 192.168.100.240 ", await Ok("get svc web"));
        Assert.Contains("condition met", await Ok("wait --for=jsonpath={.status.loadBalancer.ingress[0].ip}=192.168.100.240 svc/web --timeout=20s"));
        Assert.Contains("External Traffic Policy:", await Ok("describe svc web"));
        Assert.Contains("service/web", await Ok("get all"));
        Assert.Contains("KIND:", await Ok("explain service.spec.ports"));
        Assert.Contains("v1.33.0", await Ok("version"));
        Assert.Contains("services", await Ok("api-resources"));
        Assert.Contains("discovery.k8s.io/v1", await Ok("api-versions"));
        Assert.Contains("configmap/typed created", await Ok("create configmap typed --from-literal=a=b"));
        Assert.Equal("b", await Ok("get cm typed -o jsonpath={.data.a}"));
        Assert.StartsWith("yes", await Ok("auth can-i create pods"));
        // The oldest asks for it in a version that servers have left behind.
        if (!binary.EndsWith(".27", StringComparison.Ordinal)) Assert.Contains("kubernetes-admin", await Ok("auth whoami"));
        Assert.Contains("service \"web\" deleted", await Ok("delete svc web"));
        Assert.Contains("deleted", await Ok("delete deployment --all"));
        Assert.Contains("No resources found", await Ok("get deploy"));
    }

    [GeneratedRegex(@"/kubectl\.1\.\d+$")]
    private static partial Regex Versioned();
}
