namespace Portolan.Lab.Tests.ApiServer;

/// <summary>Server-side apply as people do it, with every kubectl from 1.27 on that the machine has.</summary>
public sealed class KubectlApplyTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Web = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, labels: {team: a}}
        spec:
          replicas: 3
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: web, image: "web:1", ports: [{containerPort: 80}], env: [{name: A, value: "1"}]}]}
        """;

    [Theory]
    [MemberData(nameof(Kubectl.Binaries), MemberType = typeof(Kubectl))]
    public async Task AppliesOnTheServer(string binary)
    {
        if (binary.Length == 0) Assert.Skip("there is no kubectl on this machine");
        var kubectl = new Kubectl(server, binary, (await server.NamespaceAsync()).Split('/')[4]);
        Assert.Contains("deployment.apps/web serverside-applied (server dry run)", await kubectl.OkAsync("apply --server-side --dry-run=server -f -", Web));
        Assert.Contains("not found", await kubectl.FailsAsync("get deploy web"));
        Assert.Contains("deployment.apps/web serverside-applied", await kubectl.OkAsync("apply --server-side -f -", Web));
        var version = await kubectl.OkAsync("get deploy web -o jsonpath={.metadata.resourceVersion}");
        await kubectl.OkAsync("apply --server-side -f -", Web);
        Assert.Equal(version, await kubectl.OkAsync("get deploy web -o jsonpath={.metadata.resourceVersion}"));
        Assert.DoesNotContain("managedFields", await kubectl.OkAsync("get deploy web -o yaml"), StringComparison.Ordinal);
        Assert.Contains("""k:{"name":"web"}:""", await kubectl.OkAsync("get deploy web -o yaml --show-managed-fields"));

        // Someone else scales: a conflict, named; force takes it back, leaving it out gives it up.
        await kubectl.OkAsync("scale deployment web --replicas=5");
        var refused = await kubectl.FailsAsync("apply --server-side -f -", Web);
        // The scaler is called what its binary is.
        Assert.Matches("Apply failed with 1 conflict: conflict with \"kubectl[^\"]*\" with subresource \"scale\" using apps/v1: \\.spec\\.replicas", refused);
        Assert.Contains("--force-conflicts", refused, StringComparison.Ordinal);
        var without = Web.Replace("  replicas: 3\n", "", StringComparison.Ordinal);
        await kubectl.OkAsync("apply --server-side -f -", without);
        Assert.Equal("5", await kubectl.OkAsync("get deploy web -o jsonpath={.spec.replicas}"));
        await kubectl.OkAsync("apply --server-side --force-conflicts -f -", Web);
        Assert.Equal("3", await kubectl.OkAsync("get deploy web -o jsonpath={.spec.replicas}"));

        // A second manager's fields stay when the first drops them, and go with the second.
        const string Other = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n";
        await kubectl.OkAsync("apply --server-side --field-manager=other -f -", Other.Replace("web", "web, labels: {team: a, owner: b}", StringComparison.Ordinal));
        await kubectl.OkAsync("apply --server-side -f -", Web.Replace(", labels: {team: a}", "", StringComparison.Ordinal));
        Assert.Equal("a b", await kubectl.OkAsync("get deploy web -o jsonpath={.metadata.labels.team}~{.metadata.labels.owner}"));
        await kubectl.OkAsync("apply --server-side --field-manager=other -f -", Other);
        Assert.Equal("", (await kubectl.OkAsync("get deploy web -o jsonpath={.metadata.labels}")).Trim());

        Assert.Contains(".spec.replica: field not declared in schema", await kubectl.FailsAsync("apply --server-side --validate=false -f -", Web.Replace("replicas:", "replica:", StringComparison.Ordinal)));
        Assert.Contains("duplicate entries for key [name=\"A\"]",
            await kubectl.FailsAsync("apply --server-side -f -", Web.Replace("""env: [{name: A, value: "1"}]""", """env: [{name: A, value: "1"}, {name: A, value: "2"}]""", StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Kubectl.Binaries), MemberType = typeof(Kubectl))]
    public async Task TakesOverWhatItAppliedFromTheClient(string binary)
    {
        if (binary.Length == 0) Assert.Skip("there is no kubectl on this machine");
        var kubectl = new Kubectl(server, binary, (await server.NamespaceAsync()).Split('/')[4]);
        await kubectl.OkAsync("apply -f -", Web);
        Assert.Equal("kubectl-client-side-apply", await kubectl.OkAsync("get deploy web -o jsonpath={.metadata.managedFields[*].manager} --show-managed-fields"));
        var changed = Web.Replace("replicas: 3", "replicas: 2", StringComparison.Ordinal).Replace(", labels: {team: a}", "", StringComparison.Ordinal);
        // No conflict with itself, and what it had applied from the client and drops now goes.
        await kubectl.OkAsync("apply --server-side -f -", changed);
        await kubectl.OkAsync("apply --server-side -f -", changed);
        Assert.Equal("2", await kubectl.OkAsync("get deploy web -o jsonpath={.spec.replicas}"));
        Assert.Equal("", (await kubectl.OkAsync("get deploy web -o jsonpath={.metadata.labels}")).Trim());
        Assert.DoesNotContain("client-side", await kubectl.OkAsync("get deploy web -o jsonpath={.metadata.managedFields[*].manager} --show-managed-fields"), StringComparison.Ordinal);

        // And back: the annotation is what it was applied last, wherever.
        Assert.Contains("deployment.apps/web configured", await kubectl.OkAsync("apply -f -", changed.Replace("replicas: 2", "replicas: 1", StringComparison.Ordinal)));
        Assert.Equal("1", await kubectl.OkAsync("get deploy web -o jsonpath={.spec.replicas}"));
    }

    [Theory]
    [MemberData(nameof(Kubectl.Binaries), MemberType = typeof(Kubectl))]
    public async Task ShowsWhatAnApplyWouldChange(string binary)
    {
        if (binary.Length == 0) Assert.Skip("there is no kubectl on this machine");
        var kubectl = new Kubectl(server, binary, (await server.NamespaceAsync()).Split('/')[4]);
        await kubectl.OkAsync("apply --server-side -f -", Web);
        Assert.Equal((0, ""), await kubectl.RunAsync("diff --server-side -f -", Web));
        var (code, difference) = await kubectl.RunAsync("diff --server-side -f -", Web.Replace("web:1", "web:2", StringComparison.Ordinal));
        Assert.Equal(1, code);
        Assert.Matches(@"(?m)^-\s+image: web:1$", difference);
        Assert.Matches(@"(?m)^\+\s+image: web:2$", difference);
        Assert.Equal("web:1", await kubectl.OkAsync("get deploy web -o jsonpath={.spec.template.spec.containers[0].image}"));
    }
}
