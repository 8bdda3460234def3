using System.Net;
using Portolan.Rig;

namespace Portolan.Soak.ProxyRolling;

/// <summary>
/// In a lab, all pods of a Deployment are replaced one by one while a client outside the cluster asks the Service at the nodes, with
/// externalTrafficPolicy Cluster and Local in turn; the pods are on the first node, and end as pods do that finish what they have begun. Every request succeeds.
/// </summary>
internal static class ProxyRollingTrial
{
    private const string Lab = "rolling";
    private const int NodePort = 31080;
    private static readonly IPEndPoint First = new(IPAddress.Parse("192.168.100.100"), NodePort);
    private static readonly IPEndPoint Second = new(IPAddress.Parse("192.168.100.101"), NodePort);
    private static readonly string Portolan = Published.Binary("portolan");

    // Two seconds between the end of its readiness and the end of the program: proxies everywhere have heard of it by then.
    private const string Objects = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 3
          selector: {matchLabels: {app: web}}
          strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
          template:
            metadata: {labels: {app: web}}
            spec:
              nodeSelector: {kubernetes.io/hostname: node1}
              containers:
              - name: web
                image: ghcr.io/c1t1d0s7/go-myweb
                readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1}
                lifecycle: {preStop: {exec: {command: [sleep, "2"]}}}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web}
        spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 31080}]}
        """;

    public static async Task<int> RunAsync(int rollouts)
    {
        var failed = new List<string>();
        try
        {
            await DoAsync($"{Portolan} lab up --name {Lab} --nodes 2 --without-portolan");
            await KubectlAsync($"apply -f - <<'EOF'\n{Objects}\nEOF");
            await KubectlAsync("rollout status deployment/web --timeout=60s");
            for (var i = 0; i < rollouts && failed.Count == 0; i++)
            {
                var isLocal = i % 2 == 1;
                await KubectlAsync($$$"""patch service web -p '{"spec":{"externalTrafficPolicy":"{{{(isLocal ? "Local" : "Cluster")}}}"}}'""");
                await Task.Delay(1000);
                var requests = new Requests($"portolan-{Lab}-client", isLocal ? [First, First] : [First, Second]);
                await KubectlAsync("rollout restart deployment/web");
                await KubectlAsync("rollout status deployment/web --timeout=120s");
                await Task.Delay(3000); // the last of the old ones ends
                requests.Stop();
                failed.AddRange(requests.Failed);
                if (requests.Pods < 6)
                    failed.Add($"only {requests.Pods} pods answered: three old ones and three new ones should have");
                Console.WriteLine($"rollout {i + 1,-4} {(isLocal ? "Local" : "Cluster"),-8} {requests.Count} requests, {requests.Failed.Count} failed, {requests.Pods} pods answered");
            }
        }
        finally
        {
            await DoAsync($"{Portolan} lab down --name {Lab}");
        }

        foreach (var failure in failed.Take(20))
            Console.WriteLine($"WRONG: {failure}");
        Console.WriteLine(failed.Count == 0 ? "proxy-rolling holds" : "proxy-rolling fails");
        return failed.Count == 0 ? 0 : 1;
    }

    private static Task KubectlAsync(string arguments) => DoAsync($"KUBECONFIG=$({Portolan} lab kubeconfig --name {Lab}) kubectl {arguments}");

    private static async Task DoAsync(string line)
    {
        var (code, output) = await Command.RunAsync(line, seconds: 180);
        if (code != 0)
            throw new InvalidOperationException($"{line}\nended with {code}:\n{output}");
    }
}
