namespace Portolan.Lab.Tests.ApiServer;

/// <summary>What people type, with every kubectl from 1.27 on that the machine has.</summary>
public sealed class KubectlTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Theory]
    [MemberData(nameof(Kubectl.Binaries), MemberType = typeof(Kubectl))]
    public async Task DoesWhatPeopleDo(string binary)
    {
        if (binary.Length == 0) Assert.Skip("there is no kubectl on this machine");
        var ns = (await server.NamespaceAsync()).Split('/')[4];
        var kubectl = new Kubectl(server, binary, ns);
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
        Assert.Contains("service/web created", await kubectl.OkAsync("create -f -", service));
        Assert.Matches($@"NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nweb +LoadBalancer +10\.233\.\d+\.\d+ +<pending> +80:{port}/TCP +\d+s\n", await kubectl.OkAsync("get svc"));
        Assert.Contains($"Invalid value: {port}: provided port is already allocated", await kubectl.FailsAsync("create -f -", service.Replace("name: web", "name: web2", StringComparison.Ordinal)));
        Assert.Contains("unknown field \"spec.portz\"", await kubectl.FailsAsync("create -f -", service.Replace("ports:", "portz:", StringComparison.Ordinal)));
        Assert.Contains("services \"nope\" not found", await kubectl.FailsAsync("get svc nope"));

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
        Assert.Contains("deployment.apps/web created", await kubectl.OkAsync("apply -f -", Deployment));
        Assert.Contains("deployment.apps/web unchanged", await kubectl.OkAsync("apply -f -", Deployment));
        Assert.Contains("deployment.apps/web configured", await kubectl.OkAsync("apply -f -", Deployment.Replace("replicas: 3", "replicas: 2", StringComparison.Ordinal)));
        Assert.Contains("deployment.apps/web scaled", await kubectl.OkAsync("scale deployment web --replicas=4"));
        Assert.Equal("4", await kubectl.OkAsync("get deploy web -o jsonpath={.spec.replicas}"));
        Assert.Contains("deployment.apps/web image updated", await kubectl.OkAsync("set image deployment/web web=other"));
        Assert.Contains("serverside-applied", await kubectl.OkAsync("apply --server-side --force-conflicts -f -", Deployment));
        Assert.Contains("service/web labeled", await kubectl.OkAsync("label svc web a=b"));
        Assert.Contains("service/web annotate", await kubectl.OkAsync("annotate svc web c=d"));
        Assert.Contains("service/web patched", await kubectl.OkAsync("""patch svc web -p {"spec":{"externalTrafficPolicy":"Local"}}"""));
        Assert.Contains("service/web patched", await kubectl.OkAsync("""patch svc web --subresource=status --type=merge -p {"status":{"loadBalancer":{"ingress":[{"ip":"192.168.100.240"}]}}}"""));
        Assert.Contains(" 192.168.100.240 ", await kubectl.OkAsync("get svc web"));
        Assert.Contains("condition met", await kubectl.OkAsync("wait --for=jsonpath={.status.loadBalancer.ingress[0].ip}=192.168.100.240 svc/web --timeout=20s"));
        Assert.Contains("External Traffic Policy:", await kubectl.OkAsync("describe svc web"));
        Assert.Contains("service/web", await kubectl.OkAsync("get all"));
        Assert.Contains("KIND:", await kubectl.OkAsync("explain service.spec.ports"));
        Assert.Contains("v1.33.0", await kubectl.OkAsync("version"));
        Assert.Contains("services", await kubectl.OkAsync("api-resources"));
        Assert.Contains("discovery.k8s.io/v1", await kubectl.OkAsync("api-versions"));
        Assert.Contains("configmap/typed created", await kubectl.OkAsync("create configmap typed --from-literal=a=b"));
        Assert.Equal("b", await kubectl.OkAsync("get cm typed -o jsonpath={.data.a}"));
        Assert.StartsWith("yes", await kubectl.OkAsync("auth can-i create pods"));
        // The oldest asks for it in a version that servers have left behind.
        if (!binary.EndsWith(".27", StringComparison.Ordinal)) Assert.Contains("kubernetes-admin", await kubectl.OkAsync("auth whoami"));
        Assert.Contains("service \"web\" deleted", await kubectl.OkAsync("delete svc web"));
        Assert.Contains("deleted", await kubectl.OkAsync("delete deployment --all"));
        Assert.Contains("No resources found", await kubectl.OkAsync("get deploy"));
    }
}
