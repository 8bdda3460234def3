using System.Text.Json.Nodes;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Webhooks;

/// <summary>ValidatingAdmissionPolicies: in force where a binding says so, with its parameters, in their own words.</summary>
public sealed class AdmissionPolicyTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Group = "/apis/admissionregistration.k8s.io/v1";
    private static int s_number;

    private readonly ApiClient _client = server.Client;

    private static string Policy(string name, string spec) => $$"""
        {"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicy","metadata":{"name":"{{name}}"},"spec":{
          "matchConstraints":{"resourceRules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE","UPDATE"],"resources":["configmaps"]}]},{{spec}} } }
        """;

    private static string Binding(string name, string ns, string more) => $$"""
        {"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicyBinding","metadata":{"name":"{{name}}"},"spec":{"policyName":"{{name}}",
          "matchResources":{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"{{ns}}"} } },{{more}} } }
        """;

    /// <summary>A policy and its binding about one namespace; gives the path of its ConfigMaps and the policy's name.</summary>
    private async Task<(string Path, string Name, string Ns)> InForceAsync(string spec, string binding = "\"validationActions\":[\"Deny\"]")
    {
        var path = await server.NamespaceAsync();
        var (name, ns) = ($"policy{Interlocked.Increment(ref s_number)}.example.com", path.Split('/')[^1]);
        await _client.DoAsync("POST", $"{Group}/validatingadmissionpolicies", Policy(name, spec));
        await _client.DoAsync("POST", $"{Group}/validatingadmissionpolicybindings", Binding(name, ns, binding));
        return (path + "/configmaps", name, ns);
    }

    private static string Map(string name, string data = """{"a":"b"}""") => $$"""{"metadata":{"name":"{{name}}"},"data":{{data}} }""";

    [Fact]
    public async Task DeniesWhatItsExpressionsDoNotHoldOf()
    {
        var (path, name, ns) = await InForceAsync("""
            "variables":[{"name":"keys","expression":"object.data.map(k, k)"},{"name":"count","expression":"variables.keys.size()"}],
            "validations":[{"expression":"variables.count <= 2"},
              {"expression":"!('secret' in variables.keys)","message":"no secrets","reason":"Forbidden"},
              {"expression":"oldObject == null || object.data.a == oldObject.data.a","messageExpression":"'a was ' + oldObject.data.a + ' in ' + namespaceObject.metadata.name"}]
            """);
        var (code, status, _) = await _client.SendAsync("POST", path, Map("c", """{"a":"1","b":"2","c":"3"}"""));
        var message = $"ValidatingAdmissionPolicy '{name}' with binding '{name}' denied request: failed expression: variables.count <= 2";
        Assert.Equal((422, "Invalid", $"configmaps \"c\" is forbidden: {message}"), (code, (string?)status["reason"], (string?)status["message"]));
        Assert.Equal(message, (string?)status["details"]!["causes"]![0]!["message"]);
        Assert.EndsWith("denied request: no secrets", await _client.RefusedAsync(403, "POST", path, Map("c", """{"secret":"1"}""")), StringComparison.Ordinal);
        await _client.DoAsync("POST", path, Map("c"));
        Assert.EndsWith($"denied request: a was b in {ns}", await _client.RefusedAsync(422, "PATCH", path + "/c", """{"data":{"a":"x"}}""", "application/merge-patch+json"), StringComparison.Ordinal);
        await _client.DoAsync("DELETE", path + "/c");
    }

    [Fact]
    public async Task IsInForceOnlyWhereABindingSaysSo()
    {
        var (path, name, _) = await InForceAsync("\"validations\":[{\"expression\":\"false\"}]");
        var elsewhere = await server.NamespaceAsync() + "/configmaps";
        await _client.DoAsync("POST", elsewhere, Map("c"));
        await _client.RefusedAsync(422, "POST", path, Map("c"));
        await _client.RefusedAsync(422, "POST", path + "?dryRun=All", Map("c"));
        await _client.DoAsync("DELETE", $"{Group}/validatingadmissionpolicybindings/{name}");
        await _client.DoAsync("POST", path, Map("c"));
    }

    [Fact]
    public async Task TakesParametersFromObjects()
    {
        var parameters = await server.NamespaceAsync() + "/configmaps";
        var reference = $$"""{"selector":{"matchLabels":{"limits":"yes"} },"namespace":"{{parameters.Split('/')[^2]}}","parameterNotFoundAction":"Deny"}""";
        var (path, _, _) = await InForceAsync(
            """
            "paramKind":{"apiVersion":"v1","kind":"ConfigMap"},
            "validations":[{"expression":"object.data.size() <= int(params.data.most)","messageExpression":"'at most ' + params.data.most"}]
            """,
            $"\"validationActions\":[\"Deny\"],\"paramRef\":{reference}");
        Assert.EndsWith("denied request: no params found for policy binding with `Deny` parameterNotFoundAction", await _client.RefusedAsync(422, "POST", path, Map("c")), StringComparison.Ordinal);
        foreach (var most in (string[])["1", "2"])
            await _client.DoAsync("POST", parameters, $$"""{"metadata":{"name":"limits{{most}}","labels":{"limits":"yes"} },"data":{"most":"{{most}}"} }""");
        await _client.DoAsync("POST", path, Map("c"));
        Assert.EndsWith("denied request: at most 1", await _client.RefusedAsync(422, "POST", path, Map("d", """{"a":"1","b":"2"}""")), StringComparison.Ordinal);
        await _client.DoAsync("PATCH", parameters + "/limits1", """{"data":{"most":"2"}}""", "application/merge-patch+json");
        await _client.DoAsync("POST", path, Map("d", """{"a":"1","b":"2"}"""));
    }

    [Fact]
    public async Task WarnsOrSaysNothing_WhereItIsToldTo()
    {
        var (path, name, _) = await InForceAsync("\"validations\":[{\"expression\":\"false\",\"message\":\"not good\"}]", "\"validationActions\":[\"Warn\",\"Audit\"]");
        var (code, _, response) = await _client.SendAsync("POST", path, Map("c"));
        Assert.Equal((201, $"299 - \"Validation failed for ValidatingAdmissionPolicy '{name}' with binding '{name}': not good\""), (code, string.Join(',', response.Headers.GetValues("Warning"))));
    }

    [Theory]
    [InlineData("Fail", 422)]
    [InlineData("Ignore", 201)]
    public async Task TreatsAFailureToEvaluateAsItsPolicySays(string failurePolicy, int code)
    {
        var (path, _, _) = await InForceAsync($"\"failurePolicy\":\"{failurePolicy}\",\"validations\":[{{\"expression\":\"object.data.missing == 'x'\"}}]");
        var (actual, status, _) = await _client.SendAsync("POST", path, Map("c"));
        Assert.Equal(code, actual);
        if (code == 422)
            Assert.EndsWith("denied request: expression 'object.data.missing == 'x'' resulted in error: no such key: missing", (string?)status["message"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"validations\":[{\"expression\":\"variables.nope\"}]", "spec.validations[0].expression: Invalid value: \"variables.nope\": compilation failed: ERROR: <input>:1:10: undefined field 'nope'")]
    [InlineData("\"validations\":[{\"expression\":\"1\"}]", "spec.validations[0].expression: Invalid value: \"1\": must evaluate to bool")]
    [InlineData("\"validations\":[]", "spec.validations: Required value: validations or auditAnnotations must contain at least one item")]
    [InlineData("\"validations\":[{\"expression\":\"true\",\"reason\":\"Bad\"}]", "spec.validations[0].reason: Unsupported value: \"Bad\"")]
    [InlineData("\"validations\":[{\"expression\":\"true\"}],\"variables\":[{\"name\":\"a-b\",\"expression\":\"1\"}]", "spec.variables[0].name: Invalid value: \"a-b\": name is not a valid CEL identifier")]
    [InlineData("\"validations\":[{\"expression\":\"authorizer.group('').resource('pods').check('get').allowed()\"}]", "undeclared reference to 'authorizer'")]
    public async Task ANonsensicalOneIsRefused_WithTheField(string spec, string problem) =>
        Assert.Contains(problem, await _client.RefusedAsync(422, "POST", $"{Group}/validatingadmissionpolicies", Policy("bad.example.com", spec)), StringComparison.Ordinal);

    [Theory]
    [InlineData("\"validationActions\":[]", "spec.validationActions: Required value: at least one validation action is required")]
    [InlineData("\"validationActions\":[\"Deny\",\"Warn\"]", "must not contain both Deny and Warn")]
    [InlineData("\"validationActions\":[\"Deny\"],\"paramRef\":{\"parameterNotFoundAction\":\"Deny\"}", "spec.paramRef.name: Required value: exactly one of name or selector must be specified")]
    public async Task ANonsensicalBindingIsRefused_WithTheField(string spec, string problem) =>
        Assert.Contains(problem, await _client.RefusedAsync(422, "POST", $"{Group}/validatingadmissionpolicybindings", Binding("bad.example.com", "x", spec)), StringComparison.Ordinal);

    [Fact]
    public async Task DefaultsAreThoseOfKubernetes()
    {
        var made = await _client.DoAsync("POST", $"{Group}/validatingadmissionpolicies?dryRun=All", Policy("defaulted.example.com", "\"validations\":[{\"expression\":\"true\"}]"));
        var constraints = (JsonObject)made["spec"]!["matchConstraints"]!;
        Assert.Equal(("Fail", "Equivalent", "*"), ((string?)made["spec"]!["failurePolicy"], (string?)constraints["matchPolicy"], (string?)constraints["resourceRules"]![0]!["scope"]));
    }
}
