using System.Text.Json.Nodes;

namespace Portolan.EndToEnd.Tests;

/// <summary>A cluster that MetalLB 0.13.9 served, as its objects lie there when Portolan is installed over it; docs/migrating-from-metallb.md says how to do it.</summary>
[Collection(OwnLabs.Name)]
public sealed class SwapTests
{
    /// <summary>What Kubespray installs, without the fields that later releases of MetalLB added.</summary>
    private const string MetalLb = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: metallb-system, labels: {pod-security.kubernetes.io/enforce: privileged}}
        ---
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: controller, namespace: metallb-system, labels: {app: metallb}}
        ---
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: speaker, namespace: metallb-system, labels: {app: metallb}}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: memberlist, namespace: metallb-system}
        stringData: {secretkey: of-their-own-making}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: controller, namespace: metallb-system, labels: {app: metallb, component: controller}}
        spec:
          selector: {matchLabels: {app: metallb, component: controller}}
          template:
            metadata: {labels: {app: metallb, component: controller}}
            spec:
              serviceAccountName: controller
              terminationGracePeriodSeconds: 0
              containers:
              - name: controller
                image: quay.io/metallb/controller:v0.13.9
                args: [--port=7472, --log-level=info]
                volumeMounts: [{name: cert, mountPath: /tmp/k8s-webhook-server/serving-certs, readOnly: true}]
              volumes: [{name: cert, secret: {secretName: webhook-server-cert}}]
        ---
        apiVersion: apps/v1
        kind: DaemonSet
        metadata: {name: speaker, namespace: metallb-system, labels: {app: metallb, component: speaker}}
        spec:
          selector: {matchLabels: {app: metallb, component: speaker}}
          template:
            metadata: {labels: {app: metallb, component: speaker}}
            spec:
              serviceAccountName: speaker
              hostNetwork: true
              terminationGracePeriodSeconds: 2
              containers:
              - name: speaker
                image: quay.io/metallb/speaker:v0.13.9
                args: [--port=7472, --log-level=info]
        """;

    private const string Configuration = """
        apiVersion: metallb.io/v1beta1
        kind: IPAddressPool
        metadata: {name: primary, namespace: metallb-system}
        spec: {addresses: [192.168.100.240-192.168.100.249], autoAssign: true, avoidBuggyIPs: false}
        ---
        apiVersion: metallb.io/v1beta1
        kind: IPAddressPool
        metadata: {name: reserved, namespace: metallb-system}
        spec: {addresses: [192.168.100.230/31], autoAssign: false, avoidBuggyIPs: false}
        ---
        apiVersion: metallb.io/v1beta1
        kind: L2Advertisement
        metadata: {name: primary, namespace: metallb-system}
        spec: {ipAddressPools: [primary, reserved]}
        """;

    /// <summary>Its admission webhook, whose server went with the old controller: from then on the API server refuses every pool.</summary>
    private const string Webhook = """
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingWebhookConfiguration
        metadata: {name: metallb-webhook-configuration}
        webhooks:
        - name: ipaddresspoolvalidationwebhook.metallb.io
          admissionReviewVersions: [v1]
          sideEffects: None
          failurePolicy: Fail
          clientConfig: {service: {name: webhook-service, namespace: metallb-system, path: /validate-metallb-io-v1beta1-ipaddresspool}}
          rules: [{apiGroups: [metallb.io], apiVersions: [v1beta1], operations: [CREATE, UPDATE], resources: [ipaddresspools]}]
        """;

    private const string LaterPool = """
        apiVersion: metallb.io/v1beta1
        kind: IPAddressPool
        metadata: {name: later, namespace: metallb-system}
        spec: {addresses: [192.168.100.220/31]}
        """;

    /// <summary>Name, address and what the Service says: neither the first free address nor in any order, two on one address, one whose request says otherwise by now.</summary>
    private static readonly (string Name, string Address, string Pool, string Annotations, int Port)[] _services =
    [
        ("web", "192.168.100.247", "primary", "", 80),
        ("mail", "192.168.100.241", "primary", "", 80),
        ("fixed", "192.168.100.231", "reserved", "metallb.universe.tf/address-pool: reserved", 80),
        ("dns-a", "192.168.100.243", "primary", "metallb.universe.tf/allow-shared-ip: dns", 53),
        ("dns-b", "192.168.100.243", "primary", "metallb.universe.tf/allow-shared-ip: dns", 54),
    ];

    private readonly Lab _lab = new("swap");

    [Fact]
    public async Task NoAddressMoves_WhenPortolanTakesMetalLbsPlace()
    {
        _lab.Down();
        try
        {
            _lab.Up("--nodes 2 --without-portolan");
            _lab.Kubectl("create -f examples/article/myweb-rs.yaml").Succeeds();
            _lab.Kubectl("apply -f deploy/crds").Succeeds();
            _lab.Kubectl("wait --for=condition=Established crd --all --timeout=20s").Succeeds();
            _lab.Apply(MetalLb, "create").Succeeds();
            _lab.Apply(Configuration, "create").Succeeds();
            foreach (var (name, address, pool, annotations, port) in _services)
                Create(name, address, pool, annotations, port);
            Create("waiting", null, "", "", 80);
            var before = Everything();
            _lab.Apply(Webhook, "create").Succeeds();
            _lab.Apply(LaterPool, "create").Fails();

            _lab.Portolan("install --timeout 60", 90).Succeeds();
            _lab.Apply(LaterPool, "create").Succeeds();
            _lab.Kubectl("delete ipaddresspool later -n metallb-system").Succeeds();
            var waiting = await Shell.EventuallyAsync(
                async () => (await _lab.KubectlAsync("get svc waiting -o jsonpath={.status.loadBalancer.ingress[0].ip}")).Output, address => address.Length > 0, 20, "an address for the Service that had none");
            Assert.Equal("192.168.100.240", waiting);
            await _lab.AnswersAsync("192.168.100.247");
            await _lab.AnswersAsync("192.168.100.231");
            await _lab.AnswersAsync("192.168.100.243:54");

            // The same once more, by a controller that has nothing but what it reads.
            _lab.Kubectl("rollout restart -n metallb-system deploy/controller").Succeeds();
            _lab.Kubectl("rollout status -n metallb-system deploy/controller --timeout=60s").Succeeds();
            await Task.Delay(2000, TestContext.Current.CancellationToken);
            Assert.Equal(before, Everything());

            // Whose pods they are now, and that nothing of the former is left in them.
            var pod = JsonNode.Parse(_lab.Kubectl("get deploy controller -n metallb-system -o json").Succeeds().Output)!["spec"]!["template"]!["spec"]!;
            Assert.Equal("portolan", (string?)Assert.Single(pod["containers"]!.AsArray())!["image"]);
            Assert.DoesNotContain("webhook-server-cert", pod.ToJsonString());
            Assert.Equal("of-their-own-making", _lab.Kubectl("get secret memberlist -n metallb-system -o go-template='{{.data.secretkey | base64decode}}'").Succeeds().Output);

            // Under other names it is not taken over: two would announce.
            Assert.Contains("Deployment metallb-system/controller serves", _lab.Portolan("install --namespace elsewhere --no-wait").Fails().Error);
        }
        finally
        {
            _lab.Down();
        }
    }

    /// <summary>A Service as MetalLB 0.13.9 leaves it: the address in its status, the pool in the annotation of that time.</summary>
    private void Create(string name, string? address, string pool, string annotations, int port)
    {
        var written = address is null ? "" : $"metallb.universe.tf/ip-allocated-from-pool: {pool}";
        var all = string.Join(", ", new[] { annotations, written }.Where(text => text.Length > 0));
        _lab.Apply($$"""
            apiVersion: v1
            kind: Service
            metadata: {name: {{name}}, annotations: { {{all}} } }
            spec: {type: LoadBalancer, selector: {app: web}, ports: [{name: p, port: {{port}}, targetPort: 8080}]}
            """, "create").Succeeds();
        if (address is not null)
            _lab.WriteAddress(name, address);
    }

    /// <summary>What must be the same afterwards: the specifications and addresses of Services that had one, and of MetalLB's objects also the generation.</summary>
    private string Everything()
    {
        var services = JsonNode.Parse(_lab.Kubectl("get svc -o json").Succeeds().Output)!["items"]!.AsArray()
            .Where(service => _services.Any(known => known.Name == (string?)service!["metadata"]!["name"]))
            .Select(service => $"{service!["metadata"]!["name"]} {service["metadata"]!["uid"]} {service["spec"]!.ToJsonString()} {service["status"]!["loadBalancer"]!["ingress"]!.AsArray().Select(ingress => (string?)ingress!["ip"]).Single()}");
        var objects = JsonNode.Parse(_lab.Kubectl("get ipaddresspools,l2advertisements -n metallb-system -o json").Succeeds().Output)!["items"]!.AsArray()
            .Select(item => $"{item!["kind"]} {item["metadata"]!["name"]} {item["metadata"]!["uid"]} {item["metadata"]!["generation"]} {item["spec"]!.ToJsonString()}");
        return string.Join('\n', services.Concat(objects));
    }
}
