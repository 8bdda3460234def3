namespace Portolan.Lab.Tests.Schema;

public sealed class DecodingTests
{
    [Theory]
    [InlineData("Service", "", """{"spec":{"selectr":{"app":"web"}}}""", "unknown field \"spec.selectr\"")]
    [InlineData("Service", "", """{"spec":{"ports":[{"port":80},{"prt":80,"port":81}]}}""", "unknown field \"spec.ports[1].prt\"")]
    [InlineData("Pod", "", """{"metadata":{"lables":{}},"spec":{"containers":[{"name":"a","imag":"b"}]}}""", "unknown field \"metadata.lables\", unknown field \"spec.containers[0].imag\"")]
    [InlineData("Deployment", "apps", """{"Spec":{}}""", "unknown field \"Spec\"")]
    public void NamesUnknownFieldsByTheirPath(string kind, string group, string body, string expected)
    {
        var outcome = Kinds.Get(kind, group).Decode(Kinds.Json(body));
        Assert.Null(outcome.Failure);
        Assert.Equal(expected, string.Join(", ", outcome.Problems));
    }

    [Theory]
    [InlineData("Service", "", """{"spec":{"ports":"80"}}""", "json: cannot unmarshal string into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort")]
    [InlineData("Service", "", """{"spec":{"ports":[{"port":"eighty"}]}}""", "json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32")]
    [InlineData("Service", "", """{"spec":{"type":7}}""", "json: cannot unmarshal number into Go struct field ServiceSpec.spec.type of type v1.ServiceType")]
    [InlineData("Service", "", """{"metadata":{"labels":{"a":1}}}""", "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string")]
    [InlineData("Deployment", "apps", """{"spec":{"replicas":"3"}}""", "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32")]
    [InlineData("Deployment", "apps", """{"spec":{"replicas":1.5}}""", "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32")]
    [InlineData("Pod", "", """{"spec":{"containers":[{"resources":{"limits":{"cpu":"one"}}}]}}""", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    [InlineData("Secret", "", """{"data":{"a":"no base64!"}}""", "illegal base64 data at input byte 2")]
    [InlineData("Pod", "", """{"metadata":{"creationTimestamp":"yesterday"}}""", "parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\"")]
    public void NamesTheFieldAndTypeOfAWrongValue(string kind, string group, string body, string expected) =>
        Assert.Equal(expected, Kinds.Get(kind, group).Decode(Kinds.Json(body)).Failure);

    [Fact]
    public void TakesNullsAsAbsent()
    {
        var body = Kinds.Json("""{"apiVersion":"v1","kind":"Service","metadata":{"name":"a","creationTimestamp":null},"spec":{"selector":null,"ports":[{"port":80,"targetPort":"http"}]},"status":{"loadBalancer":{}}}""");
        var outcome = Kinds.Get("Service").Decode(body);
        Assert.Null(outcome.Failure);
        Assert.Empty(outcome.Problems);
        Assert.Equal("""{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"ports":[{"port":80,"targetPort":"http"}]},"status":{"loadBalancer":{}}}""", body.ToJsonString());
    }

    [Fact]
    public void WritesQuantitiesAndTimesInTheirCanonicalForm()
    {
        var body = Kinds.Json(
            """{"metadata":{"creationTimestamp":"2026-01-02T03:04:05.6+01:00"},"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":"0.5","memory":"2048Mi","ephemeral-storage":1000}}}]}}""");
        Assert.Null(Kinds.Get("Pod").Decode(body).Failure);
        Assert.Equal("2026-01-02T02:04:05Z", (string?)body["metadata"]!["creationTimestamp"]);
        Assert.Equal("""{"cpu":"500m","memory":"2Gi","ephemeral-storage":"1k"}""", body["spec"]!["containers"]![0]!["resources"]!["limits"]!.ToJsonString());
    }
}
