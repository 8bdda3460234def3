using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.Tests.Schema;

namespace Portolan.Lab.Tests.Validation;

public sealed class ObjectRulesTests
{
    private const string Template = "\"template\":{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"b\"}]}}";
    private const string SelectorAndTemplate = "\"selector\":{\"matchLabels\":{\"app\":\"web\"}}," + Template;

    [Theory]
    [InlineData("""{}""", "spec.ports: Required value")]
    [InlineData("""{"ports":[{"port":0}]}""", "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive|spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive")]
    [InlineData("""{"ports":[{"port":80,"targetPort":"Web_1"}]}""", "spec.ports[0].targetPort: Invalid value: \"Web_1\": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")]
    [InlineData("""{"ports":[{"port":80},{"port":81,"name":"b"}]}""", "spec.ports[0].name: Required value")]
    [InlineData("""{"ports":[{"port":80,"name":"a"},{"port":81,"name":"a"}]}""", "spec.ports[1].name: Duplicate value: \"a\"")]
    [InlineData("""{"ports":[{"port":80,"name":"a"},{"port":80,"name":"b"}]}""", "spec.ports[1]: Duplicate value: {\"port\":80,\"protocol\":\"TCP\"}")]
    [InlineData("""{"ports":[{"port":80,"protocol":"tcp"}]}""", "spec.ports[0].protocol: Unsupported value: \"tcp\": supported values: \"SCTP\", \"TCP\", \"UDP\"")]
    [InlineData("""{"ports":[{"port":80,"nodePort":31313}]}""", "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'")]
    [InlineData("""{"type":"NodePort","ports":[{"port":80,"name":"a","nodePort":31313},{"port":81,"name":"b","nodePort":31313}]}""", "spec.ports[1].nodePort: Duplicate value: 31313")]
    [InlineData("""{"type":"Balancer","ports":[{"port":80}]}""", "spec.type: Unsupported value: \"Balancer\": supported values: \"ClusterIP\", \"ExternalName\", \"LoadBalancer\", \"NodePort\"")]
    [InlineData("""{"type":"LoadBalancer","ports":[{"port":80}],"loadBalancerSourceRanges":["10.0.0.0"]}""", "spec.loadBalancerSourceRanges[0]: Invalid value: \"10.0.0.0\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
    [InlineData("""{"ports":[{"port":80}],"loadBalancerClass":"a/b"}""", "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'")]
    [InlineData("""{"ports":[{"port":80}],"externalTrafficPolicy":"Local"}""", "spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for externally-accessible services")]
    [InlineData("""{"type":"NodePort","ports":[{"port":80}],"externalTrafficPolicy":"Some"}""", "spec.externalTrafficPolicy: Unsupported value: \"Some\": supported values: \"Cluster\", \"Local\"")]
    [InlineData("""{"ports":[{"port":80}],"sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{"timeoutSeconds":90000}}}""", "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 90000: must be greater than 0 and less than 86400")]
    [InlineData("""{"ports":[{"port":80}],"externalIPs":["127.0.0.1"]}""", "spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)")]
    [InlineData("""{"type":"ExternalName"}""", "spec.externalName: Required value")]
    [InlineData("""{"ports":[{"port":80}],"selector":{"a b":"c"}}""", "spec.selector: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')")]
    public void RefusesAWrongService(string spec, string expected) => Check("Service", "", "svc", spec, expected);

    [Theory]
    [InlineData("ReplicaSet", "{" + Template + "}", "spec.selector: Required value")]
    [InlineData("Deployment", "{\"selector\":{}," + Template + "}", "spec.selector: Invalid value: {}: empty selector is invalid for deployment")]
    [InlineData("DaemonSet", "{\"selector\":{\"matchLabels\":{\"app\":\"x\"}}," + Template + "}", "spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not match template `labels`")]
    [InlineData("ReplicaSet", "{\"replicas\":-1," + SelectorAndTemplate + "}", "spec.replicas: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("Deployment", "{\"strategy\":{\"type\":\"Recreate\",\"rollingUpdate\":{\"maxSurge\":1}}," + SelectorAndTemplate + "}", "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'")]
    [InlineData("Deployment", "{\"strategy\":{\"rollingUpdate\":{\"maxSurge\":0,\"maxUnavailable\":\"0%\"}}," + SelectorAndTemplate + "}", "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": may not be 0 when `maxSurge` is 0")]
    public void RefusesAWrongWorkload(string kind, string spec, string expected) => Check(kind, "apps", "web", spec, expected);

    [Theory]
    [InlineData("""{}""", "spec.containers: Required value")]
    [InlineData("""{"containers":[{"name":"a"}]}""", "spec.containers[0].image: Required value")]
    [InlineData("""{"containers":[{"name":"a","image":"b"},{"name":"a","image":"b"}]}""", "spec.containers[1].name: Duplicate value: \"a\"")]
    [InlineData("""{"containers":[{"name":"a","image":"b","imagePullPolicy":"Sometimes"}]}""", "spec.containers[0].imagePullPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"IfNotPresent\", \"Never\"")]
    [InlineData("""{"containers":[{"name":"a","image":"b","volumeMounts":[{"name":"v","mountPath":"/v"}]}]}""", "spec.containers[0].volumeMounts[0].name: Not found: \"v\"")]
    [InlineData("""{"containers":[{"name":"a","image":"b","readinessProbe":{}}]}""", "spec.containers[0].readinessProbe: Required value: must specify a handler type")]
    [InlineData("""{"containers":[{"name":"a","image":"b","resources":{"requests":{"cpu":"2"},"limits":{"cpu":"1"}}}]}""", "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1")]
    [InlineData("""{"restartPolicy":"Maybe","containers":[{"name":"a","image":"b"}]}""", "spec.restartPolicy: Unsupported value: \"Maybe\": supported values: \"Always\", \"OnFailure\", \"Never\"")]
    public void RefusesAWrongPod(string spec, string expected) => Check("Pod", "", "pod", spec, expected);

    [Theory]
    [InlineData("ConfigMap", "", """{"metadata":{"name":"a","namespace":"d"},"data":{"a b":"c"}}""", "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')")]
    [InlineData("Namespace", "", """{"metadata":{"name":"A"}}""", "metadata.name: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')")]
    [InlineData("EndpointSlice", "discovery.k8s.io", """{"metadata":{"name":"a","namespace":"d"},"addressType":"IPv4","endpoints":[{"addresses":["::1"]}]}""", "endpoints[0].addresses[0]: Invalid value: \"::1\": must be an IPv4 address|endpoints[0].addresses[0]: Invalid value: \"::1\": may not be in the loopback range (127.0.0.0/8, ::1/128)")]
    [InlineData("Lease", "coordination.k8s.io", """{"metadata":{"name":"a","namespace":"d"},"spec":{"leaseDurationSeconds":0}}""", "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0")]
    [InlineData("Service", "", """{"metadata":{"namespace":"d","name":"1a"},"spec":{"ports":[{"port":1}]}}""", "metadata.name: Invalid value: \"1a\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')")]
    public void RefusesWrongNamesAndKeys(string kind, string group, string body, string expected) =>
        Assert.Equal(expected.Split('|'), Kinds.Errors(Kinds.Get(kind, group), body));

    [Fact]
    public void DefaultsALoadBalancerService()
    {
        var service = Kinds.Accept(Kinds.Get("Service"), """{"metadata":{"name":"a","namespace":"d"},"spec":{"type":"LoadBalancer","ports":[{"port":80,"nodePort":0}]}}""");
        Assert.Equal(
            """{"type":"LoadBalancer","ports":[{"port":80,"protocol":"TCP","targetPort":80}],"sessionAffinity":"None","externalTrafficPolicy":"Cluster","internalTrafficPolicy":"Cluster","allocateLoadBalancerNodePorts":true}""",
            service["spec"]!.ToJsonString());
        Assert.Equal("""{"loadBalancer":{}}""", service["status"]!.ToJsonString());
    }

    [Theory]
    [InlineData("web", "Always")]
    [InlineData("web:latest", "Always")]
    [InlineData("web:1.0", "IfNotPresent")]
    [InlineData("registry:5000/web", "Always")]
    [InlineData("registry:5000/web:1", "IfNotPresent")]
    [InlineData("web@sha256:0123", "IfNotPresent")]
    public void PullsAnImageThatMayHaveChanged(string image, string policy)
    {
        var pod = Kinds.Accept(Kinds.Get("Pod"), $$$"""{"metadata":{"name":"a","namespace":"d"},"spec":{"containers":[{"name":"a","image":"{{{image}}}"}]}}""");
        Assert.Equal(policy, (string?)pod["spec"]!["containers"]![0]!["imagePullPolicy"]);
    }

    [Fact]
    public void DefaultingTwiceChangesNothing()
    {
        foreach (var kind in BuiltInKinds.All)
        {
            var obj = Kinds.Json("""{"metadata":{"name":"a"},"spec":{}}""");
            kind.Decode(obj);
            kind.Default(obj);
            var once = obj.ToJsonString();
            kind.Default(obj);
            Assert.Equal(once, obj.ToJsonString());
        }
    }

    [Fact]
    public void KeepsASelectorOnceChosen()
    {
        var kind = Kinds.Get("ReplicaSet", "apps");
        var old = Kinds.Accept(kind, "{\"metadata\":{\"name\":\"a\",\"namespace\":\"d\"},\"spec\":{" + SelectorAndTemplate + "}}");
        var changed = (JsonObject)old.DeepClone();
        changed["spec"]!["selector"] = Kinds.Json("""{"matchExpressions":[{"key":"app","operator":"Exists"}]}""");
        Assert.Equal(["spec.selector: Invalid value: {\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"Exists\"}]}: field is immutable"], Kinds.ChangeErrors(kind, changed, old));
        changed = (JsonObject)old.DeepClone();
        changed["spec"]!["replicas"] = 5;
        Assert.Empty(Kinds.ChangeErrors(kind, changed, old));
    }

    [Fact]
    public void LetsARunningPodChangeItsImageAndNothingElse()
    {
        var kind = Kinds.Get("Pod");
        var old = Kinds.Accept(kind, """{"metadata":{"name":"a","namespace":"d"},"spec":{"containers":[{"name":"a","image":"b"}]}}""");
        var changed = (JsonObject)old.DeepClone();
        changed["spec"]!["containers"]![0]!["image"] = "c";
        Assert.Empty(Kinds.ChangeErrors(kind, changed, old));
        changed["spec"]!["hostNetwork"] = true;
        Assert.StartsWith("spec: Forbidden: pod updates may not change fields other than", Kinds.ChangeErrors(kind, changed, old)[0], StringComparison.Ordinal);
    }

    [Fact]
    public void ChecksAndCompletesTheAddressesInAServicesStatus()
    {
        var kind = Kinds.Get("Service");
        var old = Kinds.Accept(kind, """{"metadata":{"name":"a","namespace":"d"},"spec":{"type":"LoadBalancer","ports":[{"port":80}]}}""");
        var changed = (JsonObject)old.DeepClone();
        changed["status"] = Kinds.Json("""{"loadBalancer":{"ingress":[{"ip":"192.168.100.240"},{"ip":"192.168.100.300"}]}}""");
        kind.Default(changed);
        Assert.Equal("VIP", (string?)changed["status"]!["loadBalancer"]!["ingress"]![0]!["ipMode"]);
        var error = Assert.Single(kind.ValidateUpdate(changed, old, "status"));
        Assert.Equal(("status.loadBalancer.ingress[1].ip", "Invalid value: \"192.168.100.300\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"), (error.Path, error.Message));
    }

    private static void Check(string kind, string group, string name, string spec, string expected) =>
        Assert.Equal(expected.Split('|'), Kinds.Errors(Kinds.Get(kind, group), $"{{\"metadata\":{{\"name\":\"{name}\",\"namespace\":\"default\"}},\"spec\":{spec}}}"));
}
