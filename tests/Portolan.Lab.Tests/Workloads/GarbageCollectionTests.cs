namespace Portolan.Lab.Tests.Workloads;

/// <summary>What becomes of dependents when their owner goes, by real kubectl; the owner is cluster-scoped, as some operators' are.</summary>
public sealed class GarbageCollectionTests(RunningCluster cluster) : IClassFixture<RunningCluster>
{
    [Theory]
    [InlineData("background", "")]
    [InlineData("foreground", "")]
    [InlineData("orphan", "ship.sea.example/of-{0}")]
    public async Task DependentsOfAClusterScopedOwnerGoOrStay(string cascade, string left)
    {
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "apply -f -", Definition("fleet") + Definition("ship"));
        await cluster.KubectlAsync(ns, "wait --for=condition=Established crd/fleets.sea.example crd/ships.sea.example --timeout=20s");
        var name = $"{cascade}-{ns}";
        await RunningCluster.UntilAsync(async () => (await cluster.TryKubectlAsync(ns, "create -f -", Object("Fleet", name, ""))).Code == 0, "the kind served");
        var uid = await cluster.KubectlAsync(ns, $"get fleet {name} -o jsonpath={{.metadata.uid}}");
        var reference = $"ownerReferences: [{{apiVersion: sea.example/v1, kind: Fleet, name: {name}, uid: {uid}, blockOwnerDeletion: true}}]";
        await cluster.KubectlAsync(ns, "create -f -", Object("Ship", $"of-{name}", reference));
        await cluster.KubectlAsync(ns, "create -f -", $"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: of-{name}, {reference}}}\n");

        await cluster.KubectlAsync(ns, $"delete fleet {name} --cascade={cascade} --timeout=20s");
        var ship = string.Format(left, name);
        await cluster.UntilAsync(ns, $"get ship of-{name} --ignore-not-found -o name", ship);
        await cluster.UntilAsync(ns, $"get configmap of-{name} --ignore-not-found -o name", ship.Length == 0 ? "" : $"configmap/of-{name}");
        if (ship.Length > 0)
            await cluster.UntilAsync(ns, $"get ship of-{name} -o jsonpath={{.metadata.ownerReferences}}", "");
    }

    private static string Object(string kind, string name, string more) => $"apiVersion: sea.example/v1\nkind: {kind}\nmetadata: {{name: {name}{(more.Length > 0 ? ", " : "")}{more}}}\n";

    private static string Definition(string singular) => $$$"""
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: {{{singular}}}s.sea.example}
        spec:
          group: sea.example
          scope: Cluster
          names: {plural: {{{singular}}}s, singular: {{{singular}}}, kind: {{{char.ToUpperInvariant(singular[0])}}}{{{singular[1..]}}} }
          versions:
          - name: v1
            served: true
            storage: true
            schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
        ---

        """;
}
