using System.Text.Json.Nodes;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Webhooks;

/// <summary>What a webhook configuration may say.</summary>
public sealed class WebhookRulesTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";

    private const string Valid = """
        {"name":"a.example.com","clientConfig":{"service":{"namespace":"ns","name":"hook"}},"rules":[{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"]}],
         "sideEffects":"None","admissionReviewVersions":["v1"]}
        """;

    [Theory]
    [InlineData("name", "\"hook\"", "webhooks[0].name: Invalid value: \"hook\": should be a domain with at least three segments separated by dots")]
    [InlineData("sideEffects", "null", "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun")]
    [InlineData("sideEffects", "\"Some\"", "webhooks[0].sideEffects: Unsupported value: \"Some\": supported values: \"None\", \"NoneOnDryRun\"")]
    [InlineData("timeoutSeconds", "31", "webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds")]
    [InlineData("failurePolicy", "\"Retry\"", "webhooks[0].failurePolicy: Unsupported value: \"Retry\": supported values: \"Fail\", \"Ignore\"")]
    [InlineData("admissionReviewVersions", "[\"v1beta1\"]", "webhooks[0].admissionReviewVersions: Invalid value: [\"v1beta1\"]: must include at least one of v1")]
    [InlineData("admissionReviewVersions", "[]", "webhooks[0].admissionReviewVersions: Required value: must specify one of v1")]
    [InlineData("clientConfig", "{}", "webhooks[0].clientConfig: Required value: exactly one of url or service is required")]
    [InlineData("clientConfig", "{\"url\":\"http://x/\"}", "webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]")]
    [InlineData("clientConfig", "{\"url\":\"https://u@x/?a=b\"}", "webhooks[0].clientConfig.url: Invalid value: \"u\": user information is not permitted in the URL")]
    [InlineData("clientConfig", "{\"url\":\"https://x/\",\"caBundle\":\"eA==\"}", "webhooks[0].clientConfig.caBundle: Invalid value: \"eA==\": unable to load root certificates: unable to parse bytes as PEM block")]
    [InlineData("clientConfig", "{\"service\":{\"namespace\":\"ns\",\"name\":\"hook\",\"path\":\"a\"}}", "webhooks[0].clientConfig.service.path: Invalid value: \"a\": must start with a '/'")]
    [InlineData("clientConfig", "{\"service\":{\"namespace\":\"ns\",\"name\":\"hook\",\"port\":0}}", "webhooks[0].clientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive")]
    [InlineData("rules", "[{\"operations\":[\"*\",\"CREATE\"],\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"resources\":[\"pods\"]}]", "webhooks[0].rules[0].operations: Invalid value: [\"*\",\"CREATE\"]: if '*' is present, must not specify other operations")]
    [InlineData("rules", "[{\"operations\":[\"*\"],\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"resources\":[\"pods\",\"*\"]}]", "webhooks[0].rules[0].resources: Invalid value: [\"pods\",\"*\"]: if '*' is present, must not specify other resources without subresources")]
    [InlineData("rules", "[{\"operations\":[\"GET\"],\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"resources\":[\"pods\"]}]", "webhooks[0].rules[0].operations[0]: Unsupported value: \"GET\": supported values: \"*\", \"CONNECT\", \"CREATE\", \"DELETE\", \"UPDATE\"")]
    [InlineData("objectSelector", "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}", "webhooks[0].objectSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'")]
    [InlineData("matchConditions", "[{\"name\":\"a\",\"expression\":\"object.metadata.name\"}]", "webhooks[0].matchConditions[0].expression: Invalid value: \"object.metadata.name\": must evaluate to bool")]
    [InlineData("matchConditions", "[{\"name\":\"a\",\"expression\":\"authorizer.requestResource.check('x').allowed()\"}]", "compilation failed: ERROR: <input>:1:1: undeclared reference to 'authorizer'")]
    [InlineData("matchConditions", "[{\"name\":\"a\",\"expression\":\"true\"},{\"name\":\"a\",\"expression\":\"\"}]", "[webhooks[0].matchConditions[1].name: Duplicate value: \"a\", webhooks[0].matchConditions[1].expression: Required value]")]
    public async Task ANonsensicalOneIsRefused_WithTheField(string field, string value, string expected)
    {
        var webhook = (JsonObject)JsonNode.Parse(Valid)!;
        if (value == "null") webhook.Remove(field);
        else webhook[field] = JsonNode.Parse(value);
        var configuration = new JsonObject { ["metadata"] = new JsonObject { ["name"] = "bad" }, ["webhooks"] = new JsonArray(webhook) };
        Assert.Contains(expected, await server.Client.RefusedAsync(422, "POST", Path, configuration.ToJsonString()));
    }

    [Fact]
    public async Task DefaultsAreThoseOfKubernetes()
    {
        var made = await server.Client.DoAsync("POST", Path + "?dryRun=All", $$"""{"metadata":{"name":"defaulted"},"webhooks":[{{Valid}}]}""");
        var webhook = (JsonObject)made["webhooks"]![0]!;
        Assert.Equal(("Fail", "Equivalent", 10, 443), ((string?)webhook["failurePolicy"], (string?)webhook["matchPolicy"], (int?)webhook["timeoutSeconds"], (int?)webhook["clientConfig"]!["service"]!["port"]));
        Assert.Equal("{}{}", webhook["namespaceSelector"]!.ToJsonString() + webhook["objectSelector"]!.ToJsonString());
        Assert.Equal("*", (string?)webhook["rules"]![0]!["scope"]);
        Assert.Equal(1, (int?)made["metadata"]!["generation"]);
    }
}
