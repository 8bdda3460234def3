using System.Diagnostics;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>What clients do with the schemas: kubectl 1.20 validates and explains by OpenAPI v2, later ones by v3; all of them keep what has not changed.</summary>
public sealed class OpenApiClientTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Definition = """
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"charts.example.com"},
         "spec":{"group":"example.com","scope":"Namespaced","names":{"kind":"Chart","plural":"charts","singular":"chart"},
         "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{
           "soundings":{"type":"array","description":"Depths in fathoms.","items":{"type":"integer"}},
           "port":{"x-kubernetes-int-or-string":true},"free":{"type":"object","x-kubernetes-preserve-unknown-fields":true},"maybe":{"type":"string","nullable":true}}}}}}}]}}
        """;

    private static string Kubectl(string version)
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Portolan.slnx"))) directory = Path.GetDirectoryName(directory)!;
        var path = Path.Combine(directory, "artifacts", "clients", $"kubectl.{version}");
        Assert.SkipUnless(File.Exists(path), $"kubectl {version} is not in artifacts/clients: eng/clients.sh fetches it");
        return path;
    }

    private async Task<(int Code, string Output)> RunAsync(string binary, string ns, string arguments, string input = "")
    {
        var start = new ProcessStartInfo(binary, ["--kubeconfig", server.State.WriteKubeconfig(server.Address), "--cache-dir", Path.Combine(server.State.Directory, "cache-" + Path.GetFileName(binary)), "-n", ns, .. arguments.Split(' ')])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60));
        return (process.ExitCode, await output + await error);
    }

    [Theory]
    [InlineData("1.20", "unknown field \"portz\" in io.k8s.api.core.v1.ServiceSpec", "unknown field \"soundngs\" in com.example.v1.Chart.spec")]
    [InlineData("1.35", "unknown field \"spec.portz\"", "unknown field \"spec.soundngs\"")]
    public async Task KubectlRefusesFieldsNobodyKnows_AndExplainsThoseItDoes(string version, string inService, string inChart)
    {
        var kubectl = Kubectl(version);
        var ns = (await server.NamespaceAsync()).Split('/')[4];
        await server.Client.SendAsync("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", Definition);

        var (code, output) = await RunAsync(kubectl, ns, "create -f -", "apiVersion: v1\nkind: Service\nmetadata: {name: wrong}\nspec: {portz: [{port: 80}]}\n");
        Assert.True(code != 0 && output.Contains(inService, StringComparison.Ordinal), output);
        (code, output) = await RunAsync(kubectl, ns, "create -f -", "apiVersion: example.com/v1\nkind: Chart\nmetadata: {name: wrong}\nspec: {soundngs: [1]}\n");
        Assert.True(code != 0 && output.Contains(inChart, StringComparison.Ordinal), output);

        (code, output) = await RunAsync(kubectl, ns, "create -f -", "apiVersion: example.com/v1\nkind: Chart\nmetadata: {name: right}\nspec: {soundings: [1], port: http, free: {a: [b]}, maybe: null}\n");
        Assert.True(code == 0, output);
        (code, output) = await RunAsync(kubectl, ns, "create -f -",
            "apiVersion: v1\nkind: Service\nmetadata: {name: right, labels: {a: b}}\nspec: {selector: {a: b}, ports: [{port: 80, targetPort: http}, {name: x, port: 81, targetPort: 8080}]}\n");
        Assert.True(code == 0 || output.Contains("spec.ports[0].name", StringComparison.Ordinal), output);

        (code, output) = await RunAsync(kubectl, ns, "explain deployment --recursive");
        Assert.True(code == 0 && output.Contains("terminationGracePeriodSeconds", StringComparison.Ordinal), output);
        (code, output) = await RunAsync(kubectl, ns, "explain charts.spec.soundings");
        Assert.True(code == 0 && output.Contains("Depths in fathoms.", StringComparison.Ordinal), output);
    }

    [Theory]
    [InlineData("/openapi/v3", "application/json")]
    [InlineData("/openapi/v3/apis/apps/v1", "application/json")]
    [InlineData("/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")]
    [InlineData("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")]
    [InlineData("/apis", "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList")]
    [InlineData("/api/v1", "application/json")]
    public async Task WhatTheClientHasAlready_IsNotSentAgain(string path, string accept)
    {
        using var first = await server.Client.GetAsync(path, accept);
        Assert.Equal(200, (int)first.StatusCode);
        var tag = first.Headers.ETag!.ToString();
        using var again = await server.Client.GetAsync(path, accept, tag);
        Assert.Equal(304, (int)again.StatusCode);
        Assert.Empty(await again.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        using var other = await server.Client.GetAsync(path, accept, "\"another\"");
        Assert.Equal(200, (int)other.StatusCode);
    }

    [Fact]
    public async Task ADocumentWithItsHash_MayBeKept_AndAnOldHashLeadsToTheNewOne()
    {
        var index = await server.Client.DoAsync("GET", "/openapi/v3");
        var current = (string)index["paths"]!["apis/apps/v1"]!["serverRelativeURL"]!;
        using var kept = await server.Client.GetAsync(current, "application/json");
        Assert.Equal("public, immutable", kept.Headers.GetValues("Cache-Control").Single().Replace("immutable, public", "public, immutable", StringComparison.Ordinal));
        using var old = await server.Client.GetAsync("/openapi/v3/apis/apps/v1?hash=00", "application/json");
        Assert.Equal(301, (int)old.StatusCode);
        Assert.Equal(current, old.Headers.Location!.ToString());
    }
}
