using System.Text.Json.Nodes;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Auth;

public sealed class AccessReviewTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Path = "/apis/authorization.k8s.io/v1";

    private async Task<JsonObject> AskAsync(string plural, string spec) => (JsonObject)(await server.Client.DoAsync("POST", $"{Path}/{plural}", $$"""{"spec":{{spec}} }"""))["status"]!;

    [Theory]
    [InlineData("""{"user":"root","groups":["system:masters"],"resourceAttributes":{"verb":"delete","resource":"nodes"}}""", true)]
    [InlineData("""{"user":"alice","resourceAttributes":{"verb":"delete","resource":"nodes"}}""", false)]
    [InlineData("""{"user":"alice","groups":["system:authenticated"],"nonResourceAttributes":{"verb":"get","path":"/api/v1"}}""", true)]
    [InlineData("""{"user":"alice","nonResourceAttributes":{"verb":"get","path":"/api/v1"}}""", false)]
    [InlineData("""{"user":"system:kube-scheduler","resourceAttributes":{"verb":"create","resource":"pods","subresource":"binding","namespace":"x"}}""", true)]
    [InlineData("""{"user":"system:kube-scheduler","resourceAttributes":{"verb":"create","resource":"pods","namespace":"x"}}""", false)]
    [InlineData("""{"user":"system:node:n1","groups":["system:nodes"],"resourceAttributes":{"verb":"list","resource":"pods","fieldSelector":{"rawSelector":"spec.nodeName=n1"}}}""", true)]
    [InlineData("""{"user":"system:node:n1","groups":["system:nodes"],"resourceAttributes":{"verb":"list","resource":"pods","fieldSelector":{"requirements":[{"key":"spec.nodeName","operator":"In","values":["n1"]}]}}}""", true)]
    [InlineData("""{"user":"system:node:n1","groups":["system:nodes"],"resourceAttributes":{"verb":"list","resource":"pods"}}""", false)]
    public async Task AnswersAsTheAuthorizerDoes(string spec, bool allowed) => Assert.Equal(allowed, (bool)(await AskAsync("subjectaccessreviews", spec))["allowed"]!);

    [Fact]
    public async Task SaysWhichBindingAllows() => Assert.Equal("RBAC: allowed by ClusterRoleBinding \"system:discovery\" of ClusterRole \"system:discovery\" to Group \"system:authenticated\"",
        (string?)(await AskAsync("subjectaccessreviews", """{"user":"alice","groups":["system:authenticated"],"nonResourceAttributes":{"verb":"get","path":"/api"}}"""))["reason"]);

    [Theory]
    [InlineData("subjectaccessreviews", """{"user":"a"}""", "exactly one of nonResourceAttributes or resourceAttributes must be specified")]
    [InlineData("subjectaccessreviews", """{"resourceAttributes":{"verb":"get","resource":"pods"}}""", "at least one of user or group must be specified")]
    [InlineData("selfsubjectaccessreviews", """{"resourceAttributes":{},"nonResourceAttributes":{}}""", "cannot be specified in combination with resourceAttributes")]
    public async Task RefusesQuestionsThatAreNone(string plural, string spec, string why) =>
        Assert.Contains(why, await server.Client.RefusedAsync(422, "POST", $"{Path}/{plural}", $$"""{"spec":{{spec}} }"""));

    [Fact]
    public async Task KeepsALocalReviewInItsNamespace()
    {
        const string Local = $"{Path}/namespaces/default/localsubjectaccessreviews";
        Assert.Contains("must match metadata.namespace",
            await server.Client.RefusedAsync(422, "POST", Local, """{"spec":{"user":"a","resourceAttributes":{"namespace":"other","verb":"get","resource":"pods"}}}"""));
        Assert.False((bool)(await server.Client.DoAsync("POST", Local, """{"spec":{"user":"a","resourceAttributes":{"namespace":"default","verb":"get","resource":"pods"}}}"""))["status"]!["allowed"]!);
    }
}
