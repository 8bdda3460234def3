namespace Portolan.EndToEnd.Tests;

/// <summary>Wrong objects get a message a user can act on, and nothing else stops working.</summary>
[Collection(LabCollection.Name)]
public sealed class BadInputTests(LabFixture fixture)
{
    private readonly Lab _lab = fixture.Lab;

    [Fact]
    public async Task APoolThatEndsBeforeItStartsIsReported()
    {
        try
        {
            var applied = _lab.Apply(Pool("backwards", "192.168.100.250-192.168.100.240"));
            var seen = applied.ExitCode != 0 ? applied.All : await ReportedAsync("range ends before it starts");
            Assert.Contains("192.168.100.250-192.168.100.240", seen);
            Assert.Contains("spec.addresses[0]", seen);
            await NothingElseStoppedAsync();
        }
        finally
        {
            _lab.Kubectl("delete ipaddresspool -n metallb-system backwards --ignore-not-found");
        }

        await ValidAgainAsync();
    }

    [Fact]
    public async Task WrongObjectsOfEveryKindAreRefusedOrReported_AndNothingElseStops()
    {
        (string Kind, string Version, string Spec, string Field)[] wrong =
        [
            ("L2Advertisement", "v1beta1", "{ipAddressPools: [no-such-pool]}", "spec.ipAddressPools[0]: no-such-pool: there is no such IPAddressPool"),
            ("BGPAdvertisement", "v1beta1", "{communities: [no-such-alias]}", "spec.communities[0]: no-such-alias: no Community gives this name a value"),
            ("BGPPeer", "v1beta2", "{myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1, bfdProfile: no-such-profile, passwordSecret: {name: no-such-secret}}", "spec.bfdProfile: no-such-profile: there is no such BFDProfile"),
            ("BGPPeer", "v1beta2", "{myASN: 64512, peerASN: 64513, peerAddress: ten}", "spec.peerAddress"),
            ("BFDProfile", "v1beta1", "{receiveInterval: 5}", "spec.receiveInterval"),
            ("Community", "v1beta1", "{communities: [{name: a, value: '70000:1'}]}", "spec.communities[0].value"),
        ];
        try
        {
            for (var i = 0; i < wrong.Length; i++)
            {
                var (kind, version, spec, field) = wrong[i];
                var applied = _lab.Apply($"apiVersion: metallb.io/{version}\nkind: {kind}\nmetadata: {{name: wrong-{i}, namespace: metallb-system}}\nspec: {spec}");
                if (applied.ExitCode != 0)
                    Assert.Contains(field, applied.All);
                else
                    Assert.Contains($"{kind} wrong-{i}: ", await ReportedAsync(field));
            }

            await ReportedAsync("BGPPeer wrong-2: spec.passwordSecret.name: no-such-secret: there is no such Secret in metallb-system");
            Assert.Contains("ConfigurationError", (await _lab.KubectlAsync("get events -n metallb-system --field-selector involvedObject.name=wrong-0")).Output);
            Assert.Equal("Pod", _lab.Kubectl("get configurationstate controller -n metallb-system -o jsonpath='{.metadata.ownerReferences[0].kind}'").Output);
            await NothingElseStoppedAsync();
            _lab.Kubectl("delete configurationstate -n metallb-system controller");
            await ReportedAsync("wrong-0");
        }
        finally
        {
            _lab.Kubectl("delete l2advertisements,bgpadvertisements,bgppeers,bfdprofiles,communities -n metallb-system --ignore-not-found " + string.Join(' ', Enumerable.Range(0, wrong.Length).Select(i => $"wrong-{i}")));
        }

        await ValidAgainAsync();
    }

    /// <summary>One apply of them all, as of a directory of manifests; those that are wrong only beside objects which are not here are left out.</summary>
    [Fact]
    public async Task EveryWrongObjectOfAManyIsRefusedOrReported()
    {
        string[] absent = ["IPAddressPool lab", "IPAddressPool six", "BGPPeer tor", "BGPPeer echoing", "BGPAdvertisement bgp", "Community well-known", "echoMode, which", "AnnouncementPolicy bounded", "BGPPolicy base", "spec.requireMajority: true"];
        var wrong = WrongObjects.All.Where(each => !absent.Any(word => each.Expected.Contains(word, StringComparison.Ordinal)) && !each.Spec.StartsWith('[')).ToList();
        Assert.InRange(wrong.Count, 60, int.MaxValue);
        var manifest = string.Join("\n---\n", wrong.Select((each, i) =>
            $"apiVersion: {WrongObjects.ApiVersion(each.Kind)}\nkind: {each.Kind}\nmetadata: {{name: wrong-{i}, namespace: metallb-system, labels: {{trial: wrong}}}}\nspec: {each.Spec}"));
        const string kinds = "ipaddresspools,l2advertisements,bgpadvertisements,bgppeers,bfdprofiles,communities,announcementpolicies,bgppolicies";
        try
        {
            var refusals = _lab.Apply(manifest, "create").Fails().Error;
            var stored = _lab.Kubectl($"get {kinds} -n metallb-system -o jsonpath='{{range .items[*]}}{{.metadata.name}}{{\"\\n\"}}{{end}}'").Lines.ToHashSet();
            for (var i = 0; i < wrong.Count; i++)
                if (!stored.Contains($"wrong-{i}"))
                    Assert.True(Field(wrong[i].Expected) is var field && refusals.Contains(field, StringComparison.Ordinal), $"{wrong[i]} was refused without a word of {Field(wrong[i].Expected)}: {refusals}");
            await Shell.EventuallyAsync(
                async () => (await _lab.KubectlAsync("get events -n metallb-system -o jsonpath='{range .items[?(@.reason==\"ConfigurationError\")]}{.involvedObject.name} {.message}{\"\\n\"}{end}'")).Output,
                text => Enumerable.Range(0, wrong.Count).All(i => !stored.Contains($"wrong-{i}") || text.Split('\n').Any(line => line.StartsWith($"wrong-{i} ", StringComparison.Ordinal) && line.Contains(Field(wrong[i].Expected), StringComparison.Ordinal))),
                60, $"an event for each of the {stored.Count(name => name.StartsWith("wrong-", StringComparison.Ordinal))} wrong objects that were stored");
            await NothingElseStoppedAsync();
        }
        finally
        {
            _lab.Kubectl($"delete {kinds} -n metallb-system -l trial=wrong");
        }

        await ValidAgainAsync();

        // The last name of the path: a schema, a rule in CEL and a webhook each write the path in their own way.
        static string Field(string expected) => expected.Split(": ")[0].Split('.')[^1].Split('[')[0];
    }

    [Fact]
    public async Task AnAddressOutsideEveryPoolIsRefusedInWordsTheUserSees()
    {
        try
        {
            _lab.Apply(Service("outside", "10.9.9.9")).Succeeds();
            var described = await Shell.EventuallyAsync(async () => (await _lab.KubectlAsync("describe svc outside")).Output, text => text.Contains("AllocationFailed", StringComparison.Ordinal), 15, "the event");
            Assert.Contains("10.9.9.9", described[described.IndexOf("AllocationFailed", StringComparison.Ordinal)..]);
            Assert.Contains("<pending>", _lab.Kubectl("get svc outside").Output);
            await NothingElseStoppedAsync();
        }
        finally
        {
            _lab.Kubectl("delete svc outside");
        }
    }

    [Theory]
    [InlineData("spec: {selectr: {app: web}, ports: [{port: 80}]}", "unknown field \"spec.selectr\"")]
    [InlineData("spec: {ports: [{port: eighty}]}", "port")]
    [InlineData("spec: {ports: [{port: 70000}]}", "spec.ports[0].port")]
    [InlineData("spec: {type: NodePort, ports: [{port: 80, nodePort: 31313}]}", "provided port is already allocated")]
    [InlineData("spec: {type: NodePort, ports: [{port: 80, nodePort: 80}]}", "The range of valid ports is 30000-32767")]
    [InlineData("spec: {type: LoadBalancr, ports: [{port: 80}]}", "Unsupported value")]
    public void AWrongServiceIsRefusedAsByARealServer(string spec, string expected)
    {
        var refused = _lab.Apply($"apiVersion: v1\nkind: Service\nmetadata: {{name: wrong}}\n{spec}", "create").Fails();
        Assert.Contains(Kubectls.Wording(expected), refused.Error);
        Assert.Contains("NotFound", _lab.Kubectl("get svc wrong").Fails().Error);
    }

    [Fact]
    public void AMisspeltFieldOfAPoolIsRefused() =>
        Assert.Contains(Kubectls.Wording("unknown field \"spec.adresses\""), _lab.Apply(Pool("misspelt", "192.168.7.0/24").Replace("addresses", "adresses", StringComparison.Ordinal), "create").Fails().Error);

    private async Task<string> ReportedAsync(string words) => await Shell.EventuallyAsync(
        async () => (await _lab.KubectlAsync("get configurationstate controller -n metallb-system -o jsonpath='{.status.result} {.status.errorSummary}'")).Output,
        text => text.StartsWith("Invalid", StringComparison.Ordinal) && text.Contains(words, StringComparison.Ordinal), 15, $"a ConfigurationState that says '{words}'");

    private Task<string> ValidAgainAsync() => Shell.EventuallyAsync(
        async () => (await _lab.KubectlAsync("get configurationstate controller -n metallb-system -o jsonpath='{.status.result}'")).Output, text => text == "Valid", 15, "a valid ConfigurationState");

    /// <summary>The address answers, and another Service gets one.</summary>
    private async Task NothingElseStoppedAsync()
    {
        await _lab.AnswersAsync(LabFixture.Vip, 5);
        try
        {
            _lab.Apply(Service("another", null)).Succeeds();
            await Shell.EventuallyAsync(async () => (await _lab.KubectlAsync("get svc another")).Output, text => text.Contains("192.168.100.24", StringComparison.Ordinal), 15, "another Service's address");
        }
        finally
        {
            _lab.Kubectl("delete svc another");
        }
    }

    private static string Pool(string name, string range) =>
        $"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {{name: {name}, namespace: metallb-system}}\nspec: {{addresses: [\"{range}\"]}}";

    private static string Service(string name, string? address) =>
        $"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}{(address is null ? "" : $", annotations: {{metallb.io/loadBalancerIPs: {address}}}")}}}\nspec: {{type: LoadBalancer, selector: {{app: web}}, ports: [{{port: 81, targetPort: 8080}}]}}";
}
