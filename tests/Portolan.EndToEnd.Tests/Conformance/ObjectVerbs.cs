namespace Portolan.EndToEnd.Tests.Conformance;

/// <summary>Verbs that need nothing but the API server (and, of workloads, their controllers).</summary>
internal static class ObjectVerbs
{
    private const string Map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map, labels: {chart: harbour}}\ndata: {depth: \"7\"}";

    private const string Service = "apiVersion: v1\nkind: Service\nmetadata: {name: pier}\nspec: {selector: {app: pier}, ports: [{name: a, port: 80}, {name: b, port: 81}]}";

    public static readonly Verb[] All =
    [
        new("create -f", Feed("k create -f -", Map), "configmap/map created"),
        new("create, typed (protobuf)", "k create configmap typed --from-literal a=b; k create secret generic hidden --from-literal p=q; k create ns $NS-other; k get cm typed -o jsonpath={.data.a}", "secret/hidden created(?s:.*)b$"),
        new("create, field nobody knows", Feed("refused k create -f -", Map.Replace("data:", "daat:", StringComparison.Ordinal)), "unknown field \"daat\""),
        new("create --dry-run=server", Feed("k create --dry-run=server -f -", Map.Replace("name: map", "name: dry", StringComparison.Ordinal)) + "\nrefused k get cm dry", "configmap/dry created \\(server dry run\\)(?s:.*)NotFound"),
        new("apply, client-side", Feed("k apply -f -", Service) + "\n" + Feed("k apply -f -", Service) + "\n" + Feed("k apply -f -", Service.Replace("port: 81", "port: 82", StringComparison.Ordinal)) + "\nk get svc pier -o jsonpath='{.spec.ports[*].port}'",
            "service/pier created\nservice/pier unchanged\nservice/pier configured\n80 82$"),
        new("apply, server-side", Feed("k apply --server-side -f -", Map.Replace("name: map", "name: side", StringComparison.Ordinal)), "configmap/side serverside-applied"),
        new("apply, server-side conflict", Feed("refused k apply --server-side --field-manager other -f -", Map.Replace("name: map", "name: side", StringComparison.Ordinal).Replace("7", "9", StringComparison.Ordinal)) + "\n"
            + Feed("k apply --server-side --field-manager other --force-conflicts -f -", Map.Replace("name: map", "name: side", StringComparison.Ordinal).Replace("7", "9", StringComparison.Ordinal)), "conflict(?s:.*)serverside-applied"),
        new("apply -k", "d=$(mktemp -d); printf 'namePrefix: k-\\nconfigMapGenerator: [{name: kust, literals: [a=b]}]\\ngeneratorOptions: {disableNameSuffixHash: true}\\n' >$d/kustomization.yaml; k apply -k $d; rm -r $d", "configmap/k-kust created"),
        new("diff", Feed("{ k diff -f - || test $? = 1; }", Service.Replace("port: 81", "port: 83", StringComparison.Ordinal)), "\\+ +port: 83"),
        new("edit", "KUBE_EDITOR='sed -i s/depth:.*/depth:\\ \\\"8\\\"/' k edit cm map; k get cm map -o jsonpath={.data.depth}", "configmap/map edited\n8$"),
        new("replace", Feed("k replace -f -", Map) + "\nk get cm map -o jsonpath={.data.depth}", "configmap/map replaced\n7$"),
        new("patch, strategic", "k patch svc pier -p '{\"spec\":{\"ports\":[{\"port\":80,\"name\":\"z\"}]}}'; k get svc pier -o jsonpath='{.spec.ports[*].name}'", "service/pier patched\nz b$|service/pier patched\nb z$"),
        new("patch, merge", "k patch cm map --type merge -p '{\"data\":{\"depth\":null,\"more\":\"1\"}}'; k get cm map -o jsonpath={.data}", "patched\n.*more.*1"),
        new("patch, JSON", "k patch cm map --type json -p '[{\"op\":\"test\",\"path\":\"/data/more\",\"value\":\"1\"},{\"op\":\"add\",\"path\":\"/data/x\",\"value\":\"y\"}]'; k get cm map -o jsonpath={.data.x}", "patched\ny$"),
        new("patch --subresource", "k patch svc pier --subresource status --type merge -p '{\"status\":{\"loadBalancer\":{}}}'", "service/pier patched")
            { Since = 24, OlderPrints = "unknown flag: --subresource", OlderNote = "kubectl has `--subresource` from 1.24 on" },
        new("label", "k label cm map a=b; refused k label cm map a=c; k label cm map a=c --overwrite; k label cm map a-; k get cm map -o jsonpath={.metadata.labels}", "labeled(?s:.*)already has a value(?s:.*)harbour"),
        new("annotate", "k annotate cm map note=one; k get cm map -o jsonpath={.metadata.annotations.note}", "configmap/map annotate.*\none$"),
        new("get", "k get cm map; k get svc pier", "NAME +DATA +AGE\nmap +2 +\\S+\nNAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\\(S\\) +AGE\npier +ClusterIP +10\\.233\\.\\S+ +<none> +80/TCP,82/TCP +\\S+"),
        new("get -o wide", "k get svc pier -o wide; k get nodes -o wide", "SELECTOR\npier .* app=pier(?s:.*)CONTAINER-RUNTIME"),
        new("get -o yaml", "k get cm map -o yaml", "kind: ConfigMap\nmetadata:"),
        new("get -o json", "k get cm map -o json", "\"kind\": \"ConfigMap\""),
        new("get -o name", "k get cm map -o name", "^configmap/map$"),
        new("get -o jsonpath", "k get cm -o jsonpath='{range .items[?(@.metadata.name==\"map\")]}{.kind}/{.metadata.name}{end}'", "^ConfigMap/map$"),
        new("get -o go-template", "k get cm map -o go-template='{{range $k, $v := .data}}{{$k}}={{$v}};{{end}}'", "^more=1;x=y;$"),
        new("get -o custom-columns", "k get cm map -o custom-columns=N:.metadata.name,D:.data.x", "^N +D\nmap +y$"),
        new("get, selectors and sorting", "k get cm -l chart=harbour --field-selector metadata.name=map --sort-by=.metadata.name --show-labels --no-headers --chunk-size=1", "^map +2 +\\S+ +chart=harbour$"),
        new("get -w", "(timeout 20 bash -c \"$K get cm map -w --no-headers\" & sleep 1; k annotate cm map watched=yes >/dev/null; sleep 1; kill %1) || true", "map .*\nmap "),
        new("get --raw", "k get --raw /api/v1/namespaces/$NS/configmaps/map", "\"kind\": ?\"ConfigMap\""),
        new("describe", "k describe cm map; k describe svc pier; k describe node node1", "more:(?s:.*)Selector: +app=pier(?s:.*)Allocatable:"),
        new("explain", "k explain service.spec.ports.nodePort; k explain crd.spec.names", "KIND: +Service(?s:.*)FIELD: +nodePort(?s:.*)KIND: +CustomResourceDefinition(?s:.*)shortNames"),
        new("explain --recursive", "k explain deployment --recursive", "terminationGracePeriodSeconds"),
        new("api-resources", "k api-resources --namespaced=true --verbs=list", "(?m)^deployments +deploy +apps/v1 +true +Deployment"),
        new("api-versions", "k api-versions", "(?m)^discovery.k8s.io/v1$"),
        new("version, cluster-info", "k version; k cluster-info", "v1\\.33\\.0(?s:.*)is running at"),
        new("auth can-i", "k auth can-i create pods; k auth can-i --list", "^yes(?s:.*)Resources"),
        new("auth whoami", "k auth whoami", "kubernetes-admin")
            { Since = 28, OlderPrints = "unknown command|alpha|unknown flag|could not find|the server doesn't|must specify|Self", OlderNote = "kubectl asks for `auth whoami` in a version that servers have from 1.28 on" },
        new("create token", "k create serviceaccount sailor; k create token sailor | tr -dc .", "created\n\\.\\.$") { Since = 24, OlderPrints = "must specify one of -f and -k", OlderNote = "kubectl has `create token` from 1.24 on" },
        new("expose", "k create deployment crane --image ghcr.io/c1t1d0s7/go-myweb --replicas 0; k expose deployment crane --port 80 --target-port 8080; k get svc crane -o jsonpath={.spec.selector.app}", "service/crane exposed\ncrane$"),
        new("set image, set env", "k set image deployment/crane go-myweb=ghcr.io/c1t1d0s7/network-multitool; k set env deployment/crane LOAD=full; k get deploy crane -o jsonpath='{.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].env[0].value}'", "image updated\n.*env updated\nghcr.io/c1t1d0s7/network-multitool full$"),
        new("events", "k events", "No events found|LAST SEEN") { Since = 26, OlderPrints = "unknown command|plugin", OlderNote = "kubectl has `events` from 1.26 on" },
        new("taint, cordon, uncordon, drain", Feed("k create -f -", "apiVersion: v1\nkind: Node\nmetadata: {name: $NS}\nspec: {unschedulable: true}") + "\nk taint node $NS sea=rough:NoSchedule; k uncordon $NS; k cordon $NS; k drain $NS --ignore-daemonsets; k delete node $NS",
            "tainted\n.*uncordoned\n.*cordoned\n(?s:.*)(drained|evicted)\n(?s:.*)deleted"),
        new("autoscale", "refused k autoscale deployment crane --max 3", "no matches|could not find|HPA") { NotOffered = "the lab has no HorizontalPodAutoscaler" },
        new("top", "refused k top nodes", "Metrics API not available") { NotOffered = "the lab has no metrics server" },
        new("delete, by name", "k delete svc pier; refused k get svc pier", "service \"pier\" deleted(?s:.*)NotFound"),
        new("delete, by label", "k delete cm -l chart=harbour; refused k get cm map", "\"map\" deleted(?s:.*)NotFound"),
        new("delete --all", "k delete secret --all", "\"hidden\" deleted"),
        new("delete --cascade=orphan", "k scale deployment crane --replicas 1; until_it k get rs -l app=crane -o name; k delete deployment crane --cascade=orphan; k get rs -l app=crane -o name", "deleted.*\nreplicaset.apps/crane-"),
        new("delete --cascade=foreground", "k create deployment ketch --image ghcr.io/c1t1d0s7/go-myweb; until_it k get rs -l app=ketch -o name; k delete deployment ketch --cascade=foreground --timeout=60s; k get rs,pod -l app=ketch --field-selector=metadata.namespace=$NS", "deleted.*\n(?s:.*)No resources found|deleted[^\n]*\nNo resources"),
    ];

    private static string Feed(string command, string manifest) => $"{command} <<MANIFEST\n{manifest}\nMANIFEST";
}
