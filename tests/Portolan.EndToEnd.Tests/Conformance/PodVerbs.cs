namespace Portolan.EndToEnd.Tests.Conformance;

/// <summary>Verbs that need pods: those of a Deployment <c>web</c> behind a Service, and a pod <c>tool</c> with a shell.</summary>
internal static class PodVerbs
{
    private const string Web = "--image ghcr.io/c1t1d0s7/go-myweb", Tool = "--image ghcr.io/c1t1d0s7/network-multitool";

    private const string Listener =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: tool}\nspec: {containers: [{name: tool, image: ghcr.io/c1t1d0s7/network-multitool, stdin: true, command: [sh, -c, 'echo started; read line; echo heard $line; sleep 600']}]}";

    public static readonly Verb[] All =
    [
        new("run", $"k create -f - <<'MANIFEST'\n{Listener}\nMANIFEST\nk run lives {Tool} -- sh -c 'echo a life; exit 3'; k create deployment web {Web} --replicas 2 --port 8080; k expose deployment web --port 80 --target-port 8080", "pod/tool created\npod/lives created"),
        new("wait", "k wait --for=condition=Ready pod/tool --timeout=60s; k wait --for=condition=Available deployment/web --timeout=60s", "pod/tool condition met\ndeployment.apps/web condition met"),
        new("wait --for=jsonpath", "k wait --for=jsonpath={.status.phase}=Running pod/tool --timeout=30s", "pod/tool condition met") { Since = 23, OlderPrints = "unrecognized condition", OlderNote = "kubectl waits for a JSON path from 1.23 on" },
        new("scale", "k scale deployment web --replicas 3; k rollout status deployment web --timeout=60s; k get deploy web -o jsonpath={.status.readyReplicas}", "deployment.apps/web scaled\n(?s:.*)3$"),
        new("rollout restart, status", "k rollout restart deployment/web; k rollout status deployment/web --timeout=90s", "restarted\n(?s:.*)successfully rolled out"),
        new("rollout history, undo", "k rollout history deployment/web; k rollout undo deployment/web; k rollout status deployment/web --timeout=90s", "REVISION(?s:.*)2 (?s:.*)rolled back\n(?s:.*)successfully rolled out"),
        new("rollout pause, resume", "k rollout pause deployment/web; k rollout resume deployment/web", "paused\n.*resumed"),
        new("exec", "k exec tool -- sh -c 'echo out; echo err >&2'; refused k exec tool -- sh -c 'exit 7'", "(out\nerr|err\nout)\n(?s:.*)exit code 7$"),
        new("exec -i", "head -c 300000 /dev/zero | tr '\\0' x | k exec -i tool -- wc -c", "^300000$"),
        new("exec -it, window size", "expect -c \"set timeout 30; spawn -noecho bash -c \\\"stty rows 33 cols 101; $K exec -it tool -- sh\\\"; expect -re {# $} {}; send \\\"stty size\\r\\\"; expect {33 101} {} timeout {exit 9}; send \\\"exit\\r\\\"; expect eof\"", "33 101"),
        new("attach", "f=$(mktemp); (echo you; sleep 3) 2>/dev/null | timeout 20 $K attach -i tool >$f 2>&1 & until_it grep 'heard you' $f; kill %1 2>/dev/null || true; rm $f", "^heard you$"),
        new("cp", "d=$(mktemp -d); head -c 70000 /dev/urandom >$d/a; k cp $d/a tool:/tmp/a; k cp tool:/tmp/a $d/b; cmp $d/a $d/b; echo same; rm -r $d", "same$"),
        new("logs", "k logs tool --timestamps --tail=1 --since=1h", "^\\d{4}-\\d\\d-\\d\\dT\\S+Z heard you$"),
        new("logs -f", "k exec tool -- true; (timeout 3 bash -c \"$K logs -f tool\" || true)", "started\nheard you"),
        new("logs --previous", "until_it k logs lives --previous", "^a life$"),
        new("logs -l", "k logs -l run=lives --tail=-1 --prefix", "^\\[pod/lives/lives\\] a life$"),
        new("port-forward", """
            forwarded() {
              coproc FORWARD { exec $K port-forward "$@" 2>&1; }
              local line port
              while read -r line <&${FORWARD[0]}; do case $line in 'Forwarding from 127.0.0.1:'*) port=${line#*:}; port=${port%% *}; break;; esac; done
              curl -sS -m 20 http://127.0.0.1:$port/ | head -n 1
              kill $FORWARD_PID; wait $FORWARD_PID 2>/dev/null || true
            }
            forwarded pod/$(k get pod -l app=web -o jsonpath='{.items[0].metadata.name}') :8080
            forwarded svc/web :80
            forwarded deployment/web :8080
            """, "^Hello World!\nHello World!\nHello World!$"),
        new("proxy", """
            coproc PROXY { exec $K proxy --port 0 2>&1; }
            read -r line <&${PROXY[0]}
            curl -sS -m 20 http://${line##* }/api/v1/namespaces/$NS/services/web:80/proxy/ | head -n 1
            kill $PROXY_PID; wait $PROXY_PID 2>/dev/null || true
            """, "^Hello World!$"),
        new("get --raw …/proxy", "k get --raw /api/v1/namespaces/$NS/pods/$(k get pod -l app=web -o jsonpath='{.items[0].metadata.name}'):8080/proxy/ | head -n 1; k get --raw /api/v1/namespaces/$NS/services/web/proxy/ | head -n 1; k get --raw /api/v1/nodes/node1/proxy/healthz", "Hello World!\nHello World!\nok"),
        new("get events, describe pod", "k get events --field-selector involvedObject.name=tool; k describe pod tool", "Started(?s:.*)Containers:(?s:.*)Events:"),
        new("run --rm -i", $"echo through | k run once -i --rm {Tool} --restart=Never -- cat", "through(?s:.*)pod \"once\" deleted"),
        new("delete pod --now, wait --for=delete", "k wait --for=delete pod/lives --timeout=60s & sleep 1; k delete pod lives --now --wait=false; wait $!; refused k get pod lives", "deleted(?s:.*)condition met\n(?s:.*)NotFound"),
        new("debug", "refused k debug tool --image ghcr.io/c1t1d0s7/network-multitool", "ephemeral|could not find|error") { NotOffered = "pods of the lab have no ephemeral containers" },
    ];
}
