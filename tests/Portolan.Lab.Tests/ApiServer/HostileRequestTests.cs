using System.Net.Sockets;
using System.Text.Json.Nodes;
using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Lab.ApiServer;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>Whatever is sent, the answer is a Status that puts the blame where it belongs: never a 500, never a broken connection.</summary>
public sealed class HostileRequestTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static readonly (string Method, string Path, string Type, string Body)[] Requests =
    [
        ("POST", "/services", "application/json", """{"apiVersion":"v1","kind":"Service","metadata":{"name":"s","labels":{"a":"b"},"finalizers":["a/b"]},"spec":{"type":"LoadBalancer","clusterIP":"10.233.0.9","clusterIPs":["10.233.0.9"],"externalTrafficPolicy":"Local","healthCheckNodePort":31000,"selector":{"a":"b"},"ports":[{"port":80,"nodePort":31999,"protocol":"TCP","targetPort":"x"}]}}"""),
        ("POST", "/pods", "application/json", """{"metadata":{"name":"p","generateName":"g-"},"spec":{"serviceAccountName":"default","volumes":[{"name":"v"}],"tolerations":[{"key":"k"}],"containers":[{"name":"c","image":"i","resources":{"limits":{"cpu":"1"}},"volumeMounts":[{"name":"v","mountPath":"/v"}]}]}}"""),
        ("POST", "/secrets", "application/json", """{"metadata":{"name":"x"},"stringData":{"a":"b"},"data":{"c":"ZA=="}}"""),
        ("PATCH", "/configmaps/kept", "application/merge-patch+json", """{"metadata":{"labels":{"a":"b"},"finalizers":["a/b"],"ownerReferences":[{"apiVersion":"v1","kind":"K","name":"n","uid":"u"}],"managedFields":[{"manager":"m"}]},"data":{"k":"v"}}"""),
        ("PATCH", "/configmaps/kept", "application/strategic-merge-patch+json", """{"metadata":{"finalizers":["a/b"],"$setElementOrder/finalizers":["a/b"]},"data":{"$patch":"replace","k":"v"}}"""),
        ("PATCH", "/configmaps/kept?fieldManager=m", "application/apply-patch+yaml", """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kept","labels":{"a":"b"}},"data":{"k":"v"}}"""),
        ("PATCH", "/configmaps/kept", "application/json-patch+json", """[{"op":"add","path":"/data/a","value":"b"},{"op":"test","path":"/data/a","value":"b"},{"op":"move","from":"/data/a","path":"/data/c"}]"""),
        ("PATCH", "/configmaps/kept", "application/json-patch+json", """[{"op":"replace","path":"/metadata/managedFields","value":[{"manager":"m","operation":"Apply","apiVersion":"v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:data":{".":{},"f:k":{}},"f:metadata":{"f:finalizers":{"v:\"a/b\"":{}},"f:ownerReferences":{"k:{\"uid\":\"u\"}":{}}}},"subresource":"status"}]},{"op":"copy","from":"/data","path":"/metadata/labels"}]"""),
        ("PATCH", "/services/s?fieldManager=m&force=true", "application/apply-patch+yaml", """{"apiVersion":"v1","kind":"Service","metadata":{"name":"s","finalizers":["a/b"],"ownerReferences":[{"apiVersion":"v1","kind":"K","name":"n","uid":"u"}]},"spec":{"ports":[{"port":80,"protocol":"TCP"}],"selector":{"a":"b"}}}"""),
        ("PUT", "/configmaps/kept", "application/json", """{"metadata":{"name":"kept","resourceVersion":"1","uid":"u"},"data":{"k":"v"}}"""),
        ("DELETE", "/configmaps/none", "application/json", """{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":1,"propagationPolicy":"Orphan","preconditions":{"uid":"u","resourceVersion":"1"},"dryRun":["All"]}"""),
        ("POST", "/pods/none/binding", "application/json", """{"metadata":{"name":"none"},"target":{"kind":"Node","name":"n"}}"""),
        ("POST", "/pods/none/eviction", "application/json", """{"metadata":{"name":"none"},"deleteOptions":{"gracePeriodSeconds":1,"preconditions":{"uid":"u"}}}"""),
        ("POST", "/serviceaccounts/default/token", "application/json", """{"spec":{"audiences":["a"],"expirationSeconds":3600,"boundObjectRef":{"kind":"Pod","name":"n","uid":"u"}}}"""),
        ("POST", "/events", "application/json", """{"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","name":"p"},"reason":"r","count":1,"firstTimestamp":"2026-01-01T00:00:00Z"}"""),
        ("POST", "/../../../../apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "application/json", """{"spec":{"resourceAttributes":{"verb":"get","resource":"pods"}}}"""),
        ("POST", "/../../../../apis/apiextensions.k8s.io/v1/customresourcedefinitions", "application/json", """{"metadata":{"name":"things.h.example.com"},"spec":{"group":"h.example.com","scope":"Namespaced","names":{"plural":"things","kind":"Thing","singular":"thing","shortNames":["th"],"categories":["all"]},"versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{},"scale":{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.replicas"}},"additionalPrinterColumns":[{"name":"A","type":"string","jsonPath":".spec.a"}],"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"a":{"type":"string","default":"x","enum":["x"]}}}}}}}]}}"""),
        ("PATCH", "/../../../../apis/apps/v1/namespaces/NS/deployments/d/scale", "application/merge-patch+json", """{"metadata":{"resourceVersion":""},"spec":{"replicas":2}}"""),
        ("PATCH", "/../../../../apis/apps/v1/namespaces/NS/deployments/d/scale?fieldManager=m", "application/apply-patch+yaml", """{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"d"},"spec":{"replicas":2}}"""),
        ("PATCH", "/../../../../apis/apps/v1/namespaces/NS/deployments/d/status?fieldManager=m&force=true", "application/apply-patch+yaml", """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"status":{"replicas":2,"conditions":[{"type":"Available","status":"True"}]}}"""),
        ("PATCH", "/../../../../apis/apps/v1/namespaces/NS/deployments/d/status", "application/merge-patch+json", """{"metadata":{"labels":{"a":"b"}},"status":{"replicas":2,"conditions":[{"type":"Available","status":"True"}]}}"""),
    ];

    private static readonly string[] Replacements = ["null", "1", "-1", "1.5", "true", "\"\"", "\"x\"", "[]", "{}", "[null]", "[1]", "[[]]", "{\"a\":1}", "\"\\u0000\"", "99999999999999999999", "\"2026-13-01\"", "[{\"name\":\"x\"},{\"name\":\"x\"}]"];

    [Fact]
    public async Task MutatedBodiesAreRefusedOrTaken_NeverBreakAnything()
    {
        var ns = await server.NamespaceAsync();
        await server.Client.DoAsync("POST", $"{ns}/configmaps", """{"metadata":{"name":"kept"},"data":{"k":"v"}}""");
        await server.Client.DoAsync("POST", ns.Replace("/api/v1", "/apis/apps/v1", StringComparison.Ordinal) + "/deployments",
            """{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        var failures = new List<string>();
        foreach (var (method, path, type, body) in Requests)
        {
            var count = Nodes(JsonNode.Parse(body)!).Count;
            for (var at = 0; at < count; at++)
            {
                // Every place of the body, each time another wrong thing: all of them meet every kind over the runs of the suite.
                foreach (var replacement in Enumerable.Range(0, 3).Select(_ => Replacements[Random.Shared.Next(Replacements.Length)]))
                {
                    var mutated = JsonNode.Parse(body)!;
                    var node = Nodes(mutated)[at];
                    if (ReferenceEquals(node, mutated)) mutated = JsonNode.Parse(replacement);
                    else node.ReplaceWith(JsonNode.Parse(replacement));
                    var text = mutated?.ToJsonString() ?? "null";
                    var url = path.StartsWith("/../", StringComparison.Ordinal) ? path["/../../../..".Length..].Replace("NS", ns.Split('/')[4], StringComparison.Ordinal) : ns + path;
                    var (code, reply, _) = await server.Client.SendAsync(method, url, text, type);
                    if (code >= 500) failures.Add($"{method} {url} {text}: {reply["message"]}");
                    if (code >= 400 && (string?)reply["kind"] != "Status") failures.Add($"{method} {url} {text}: no Status");
                    if (code == 201 && method == "POST" && reply["metadata"]?["name"] is { } name && !path.Contains("token", StringComparison.Ordinal) && !path.Contains("review", StringComparison.Ordinal))
                        await server.Client.SendAsync("DELETE", $"{url}/{name}", """{"gracePeriodSeconds":0}""");
                }
            }
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures.Take(20)));
    }

    [Fact]
    public async Task AnyQueryIsAnswered()
    {
        var parameter = Gen.Select(
            OneOf("limit", "continue", "labelSelector", "fieldSelector", "resourceVersion", "timeoutSeconds", "watch", "dryRun", "fieldValidation", "propagationPolicy"),
            Gen.OneOf(OneOf("1", "true", "-1", "0", "a=b", "a in (", "!", "%", "All", "99999999999", "metadata.name=x", "spec.nodeName!=", "(", "=", ","), Gen.String[0, 20]));
        var ns = await server.NamespaceAsync();
        await parameter.Array[1, 4].SampleAsync(async parameters =>
        {
            var query = string.Join('&', parameters.Select(p => $"{p.Item1}={Uri.EscapeDataString(p.Item2)}"));
            var (code, reply, _) = await server.Client.SendAsync("GET", $"{ns}/configmaps?{query}&timeoutSeconds=1&watch=false");
            Assert.True(code < 500 || (string?)reply["reason"] == "Timeout", $"{query}: {reply}");
        }, iter: 200, threads: 1);
    }

    [Fact]
    public async Task AnyWatchIsRefusedOrEndsInTime()
    {
        var parameter = Gen.Select(
            OneOf("resourceVersion", "resourceVersionMatch", "sendInitialEvents", "allowWatchBookmarks", "limit", "continue", "labelSelector", "fieldSelector", "watch", "timeoutSeconds"),
            Gen.OneOf(OneOf("true", "false", "0", "1", "5", "-1", "", "NotOlderThan", "Exact", "99999999999", "18446744073709551616", "metadata.name=x", "a in (b)", "\0"), Gen.String[0, 12]));
        var ns = await server.NamespaceAsync();
        await server.Client.DoAsync("POST", $"{ns}/configmaps", """{"metadata":{"name":"x","labels":{"a":"b"}}}""");
        await parameter.Array[0, 5].Array[60].SampleAsync(queries => Task.WhenAll(queries.Select(async parameters =>
        {
            var query = string.Concat(parameters.Select(p => $"{p.Item1}={Uri.EscapeDataString(p.Item2)}&"));
            var (code, text) = await server.Client.TextAsync($"{ns}/configmaps?{query}watch=true&timeoutSeconds=1");
            Assert.True(code < 500 || text.Contains("Too large resource version", StringComparison.Ordinal), $"{query}: {code} {text}");
            foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                Assert.True(JsonNode.Parse(line) is JsonObject reply && (code == 200 ? reply["type"] : reply["status"]) is not null, $"{query}: {line}");
        })), iter: 3, threads: 1);
    }

    [Fact]
    public async Task ServesOnASocketItInherits()
    {
        using var state = new ServerState();
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        listener.Listen();
        var port = ((System.Net.IPEndPoint)listener.LocalEndPoint!).Port;
        await using var host = await ApiServerHost.StartAsync(
            new() { StateDirectory = state.Directory, ListenDescriptor = (ulong)listener.Handle, Advertised = System.Net.IPEndPoint.Parse("192.168.100.10:6443") },
            new SchemaCatalogue(), TimeProvider.System, NullLoggerFactory.Instance, TestContext.Current.CancellationToken);
        using var client = new ApiClient($"https://127.0.0.1:{port}", state.AuthorityPem, state.Admin, http2: true);
        Assert.Equal("NamespaceList", (string?)(await client.DoAsync("GET", "/api/v1/namespaces"))["kind"]);
    }

    private static Gen<string> OneOf(params string[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static List<JsonNode> Nodes(JsonNode root)
    {
        var nodes = new List<JsonNode> { root };
        for (var i = 0; i < nodes.Count; i++)
            nodes.AddRange(nodes[i] switch
            {
                JsonObject obj => obj.Select(p => p.Value).OfType<JsonNode>(),
                JsonArray array => array.OfType<JsonNode>(),
                _ => [],
            });
        return nodes;
    }
}
