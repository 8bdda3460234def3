using System.Text.Json.Nodes;
using Portolan.Lab.Tests.Schema;

namespace Portolan.Lab.Tests.Tables;

/// <summary>The tables of the article the project starts from, cell by cell.</summary>
public sealed class ArticleTableTests
{
    [Fact]
    public void PrintsAPendingServiceAsTheArticleShowsIt()
    {
        var table = Kinds.Print(Kinds.Get("Service"), wide: false,
            Service("kubernetes", "ClusterIP", "10.233.0.1", 443, null, TimeSpan.FromHours(38.5)),
            Service("myweb-svc-lb", "LoadBalancer", "10.233.19.105", 80, 31313, TimeSpan.FromSeconds(22)));
        Assert.Equal(
            """
            NAME           TYPE           CLUSTER-IP      EXTERNAL-IP   PORT(S)        AGE
            kubernetes     ClusterIP      10.233.0.1      <none>        443/TCP        38h
            myweb-svc-lb   LoadBalancer   10.233.19.105   <pending>     80:31313/TCP   22s

            """, table);
    }

    [Fact]
    public void PrintsAnAssignedAddressAsTheArticleShowsIt()
    {
        var service = Service("myweb-svc-lb", "LoadBalancer", "10.233.19.105", 80, 31313, new TimeSpan(3, 10, 59));
        service["status"] = Kinds.Json("""{"loadBalancer":{"ingress":[{"ip":"192.168.100.240"}]}}""");
        Assert.Equal(
            """
            NAME           TYPE           CLUSTER-IP      EXTERNAL-IP       PORT(S)        AGE
            myweb-svc-lb   LoadBalancer   10.233.19.105   192.168.100.240   80:31313/TCP   3h10m

            """, Kinds.Print(Kinds.Get("Service"), wide: false, service));
    }

    [Fact]
    public void PrintsANamespaceAsTheArticleShowsIt()
    {
        var ns = Kinds.Json("""{"metadata":{"name":"metallb-system"},"status":{"phase":"Active"}}""");
        ns["metadata"]!["creationTimestamp"] = Kinds.Ago(TimeSpan.FromMinutes(48));
        Assert.Equal(
            """
            NAME             STATUS   AGE
            metallb-system   Active   48m

            """, Kinds.Print(Kinds.Get("Namespace"), wide: false, ns));
    }

    [Fact]
    public void PrintsPodsWithoutTheirImageAsTheArticleShowsThem()
    {
        var table = Kinds.Print(Kinds.Get("Pod"), wide: false,
            Pod("controller-77c44876d-dbcx5", TimeSpan.FromMinutes(49), null, "10.233.92.248", "node3"),
            Pod("speaker-7jgsg", TimeSpan.FromMinutes(49), "ImagePullBackOff", "192.168.100.100", "node1"),
            Pod("speaker-jkfcg", TimeSpan.FromMinutes(49), null, "192.168.100.102", "node3"),
            Pod("speaker-vzw82", TimeSpan.FromMinutes(49), "ImagePullBackOff", "192.168.100.101", "node2"));
        Assert.Equal(
            """
            NAME                         READY   STATUS             RESTARTS   AGE
            controller-77c44876d-dbcx5   1/1     Running            0          49m
            speaker-7jgsg                0/1     ImagePullBackOff   0          49m
            speaker-jkfcg                1/1     Running            0          49m
            speaker-vzw82                0/1     ImagePullBackOff   0          49m

            """, table);
    }

    [Fact]
    public void PrintsWidePodsAsTheArticleShowsThem()
    {
        var table = Kinds.Print(Kinds.Get("Pod"), wide: true,
            Pod("controller-77c44876d-dbcx5", TimeSpan.FromMinutes(52), null, "10.233.92.248", "node3"),
            Pod("speaker-7jgsg", TimeSpan.FromMinutes(52), "", "192.168.100.100", "node1"));
        Assert.Equal(
            """
            NAME                         READY   STATUS    RESTARTS   AGE   IP                NODE    NOMINATED NODE   READINESS GATES
            controller-77c44876d-dbcx5   1/1     Running   0          52m   10.233.92.248     node3   <none>           <none>
            speaker-7jgsg                0/1     Running   0          52m   192.168.100.100   node1   <none>           <none>

            """, table);
    }

    [Fact]
    public void PrintsADaemonSetAsTheArticleShowsIt()
    {
        var set = Kinds.Json(
            """
            {"metadata":{"name":"speaker"},
             "spec":{"selector":{"matchLabels":{"app":"metallb","component":"speaker"}},
                     "template":{"spec":{"nodeSelector":{"kubernetes.io/os":"linux"},"containers":[{"name":"speaker","image":"portolan"}]}}},
             "status":{"desiredNumberScheduled":3,"currentNumberScheduled":3,"numberReady":1,"updatedNumberScheduled":3,"numberAvailable":1}}
            """);
        set["metadata"]!["creationTimestamp"] = Kinds.Ago(TimeSpan.FromMinutes(50));
        Assert.Equal(
            """
            NAME      DESIRED   CURRENT   READY   UP-TO-DATE   AVAILABLE   NODE SELECTOR            AGE
            speaker   3         3         1       3            1           kubernetes.io/os=linux   50m

            """, Kinds.Print(Kinds.Get("DaemonSet", "apps"), wide: false, set));
    }

    private static JsonObject Service(string name, string type, string address, int port, int? nodePort, TimeSpan age)
    {
        var entry = new JsonObject { ["port"] = port, ["protocol"] = "TCP", ["targetPort"] = port };
        if (nodePort is { } number)
            entry["nodePort"] = number;
        return new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = name, ["creationTimestamp"] = Kinds.Ago(age) },
            ["spec"] = new JsonObject { ["type"] = type, ["clusterIP"] = address, ["clusterIPs"] = new JsonArray(address), ["ports"] = new JsonArray(entry) },
        };
    }

    // waiting is null: running and ready; empty: running but not ready; else the reason it waits.
    private static JsonObject Pod(string name, TimeSpan age, string? waiting, string address, string node)
    {
        JsonObject state = waiting is null or "" ? new() { ["running"] = new JsonObject() } : new() { ["waiting"] = new JsonObject { ["reason"] = waiting } };
        return new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = name, ["creationTimestamp"] = Kinds.Ago(age) },
            ["spec"] = new JsonObject { ["nodeName"] = node, ["containers"] = new JsonArray(new JsonObject { ["name"] = "c" }) },
            ["status"] = new JsonObject
            {
                ["phase"] = waiting is null or "" ? "Running" : "Pending",
                ["podIPs"] = new JsonArray(new JsonObject { ["ip"] = address }),
                ["containerStatuses"] = new JsonArray(new JsonObject { ["name"] = "c", ["ready"] = waiting is null, ["restartCount"] = 0, ["state"] = state }),
            },
        };
    }
}
