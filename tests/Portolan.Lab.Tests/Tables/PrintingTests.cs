using Portolan.Lab.ApiServer.Tables;
using Portolan.Lab.Tests.Schema;

namespace Portolan.Lab.Tests.Tables;

public sealed class PrintingTests
{
    [Theory]
    [InlineData(-5, "<invalid>")]
    [InlineData(0, "0s")]
    [InlineData(119, "119s")]
    [InlineData(120, "2m")]
    [InlineData(190, "3m10s")]
    [InlineData(599, "9m59s")]
    [InlineData(601, "10m")]
    [InlineData(48 * 60, "48m")]
    [InlineData((179 * 60) + 59, "179m")]
    [InlineData((3 * 3600) + 600, "3h10m")]
    [InlineData(8 * 3600, "8h")]
    [InlineData(38 * 3600, "38h")]
    [InlineData(48 * 3600, "2d")]
    [InlineData(50 * 3600, "2d2h")]
    [InlineData(5 * 86400, "5d")]
    [InlineData(400 * 86400, "400d")]
    [InlineData(800 * 86400, "2y70d")]
    [InlineData(3000 * 86400, "8y")]
    public void PrintsAgesAsKubectlDoes(int seconds, string expected) => Assert.Equal(expected, HumanDuration.Format(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("Pending", """{"phase":"Pending"}""", "0/1 Pending 0")]
    [InlineData("creating", """{"phase":"Pending","containerStatuses":[{"name":"c","state":{"waiting":{"reason":"ContainerCreating"}}}]}""", "0/1 ContainerCreating 0")]
    [InlineData("crashing", """{"phase":"Running","containerStatuses":[{"name":"c","restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"finishedAt":"2026-11-23T11:59:55Z"}}}]}""", "0/1 CrashLoopBackOff 3 (5s ago)")]
    [InlineData("done", """{"phase":"Succeeded","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]}""", "0/1 Completed 0")]
    [InlineData("failed", """{"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":3}}}]}""", "0/1 ExitCode:3 0")]
    [InlineData("killed", """{"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":137,"signal":9}}}]}""", "0/1 Signal:9 0")]
    [InlineData("evicted", """{"phase":"Failed","reason":"Evicted"}""", "0/1 Evicted 0")]
    public void TellsAPodsStatusFromItsContainers(string name, string status, string expected)
    {
        var cells = Kinds.Cells(Kinds.Get("Pod"), Kinds.Json($$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"containers":[{"name":"c"}]},"status":{{{status}}}}"""));
        Assert.Equal(expected, $"{cells[1]} {cells[2]} {cells[3]}");
    }

    [Theory]
    [InlineData("""{"waiting":{"reason":"PodInitializing"}}""", "Init:1/2")]
    [InlineData("""{"waiting":{"reason":"ImagePullBackOff"}}""", "Init:ImagePullBackOff")]
    [InlineData("""{"terminated":{"exitCode":1,"reason":"Error"}}""", "Init:Error")]
    [InlineData("""{"terminated":{"exitCode":1}}""", "Init:ExitCode:1")]
    public void TellsHowFarInitializationIs(string second, string expected)
    {
        var pod = Kinds.Json("""{"metadata":{"name":"a"},"spec":{"initContainers":[{"name":"x"},{"name":"y"}],"containers":[{"name":"c"}]},"status":{"phase":"Pending","initContainerStatuses":[{"name":"x","state":{"terminated":{"exitCode":0}}}]}}""");
        pod["status"]!["initContainerStatuses"]!.AsArray().Add((System.Text.Json.Nodes.JsonNode)Kinds.Json($$$"""{"name":"y","state":{{{second}}}}"""));
        Assert.Equal(expected, Kinds.Cells(Kinds.Get("Pod"), pod)[2].GetString());
    }

    [Fact]
    public void SaysThatADeletedPodIsTerminating() => Assert.Equal("Terminating", Kinds.Cells(Kinds.Get("Pod"), Kinds.Json(
        """{"metadata":{"name":"a","deletionTimestamp":"2026-11-23T12:00:00Z"},"spec":{"containers":[{"name":"c"}]},"status":{"phase":"Running"}}"""))[2].GetString());

    [Fact]
    public void PrintsANode()
    {
        var node = Kinds.Json(
            """
            {"metadata":{"name":"node1","creationTimestamp":"2026-11-23T11:59:00Z","labels":{"node-role.kubernetes.io/worker":""}},"spec":{"unschedulable":true},
             "status":{"conditions":[{"type":"Ready","status":"True"}],"addresses":[{"type":"InternalIP","address":"192.168.100.100"}],
                       "nodeInfo":{"kubeletVersion":"v1.33.0","osImage":"Debian","kernelVersion":"6.1","containerRuntimeVersion":"portolan://0.1"}}}
            """);
        Assert.Equal(
            """
            NAME    STATUS                     ROLES    AGE   VERSION   INTERNAL-IP       EXTERNAL-IP   OS-IMAGE   KERNEL-VERSION   CONTAINER-RUNTIME
            node1   Ready,SchedulingDisabled   worker   60s   v1.33.0   192.168.100.100   <none>        Debian     6.1              portolan://0.1

            """, Kinds.Print(Kinds.Get("Node"), wide: true, node));
    }

    [Fact]
    public void PrintsAnEvent()
    {
        var e = Kinds.Json(
            """{"metadata":{"name":"a.1"},"involvedObject":{"kind":"Service","name":"web"},"type":"Normal","reason":"IPAllocated","message":"Assigned IP \n","lastTimestamp":"2026-11-23T11:55:00Z","count":2,"source":{"component":"controller"}}""");
        Assert.Equal(
            """
            LAST SEEN   TYPE     REASON        OBJECT        MESSAGE
            5m          Normal   IPAllocated   service/web   Assigned IP

            """, Kinds.Print(Kinds.Get("Event"), wide: false, e));
    }

    [Fact]
    public void PrintsEndpointSlicesWithTheFirstThree()
    {
        var slice = Kinds.Json("""{"metadata":{"name":"s","creationTimestamp":"2026-11-23T11:59:00Z"},"addressType":"IPv4","ports":[{"port":80}],"endpoints":[{"addresses":["10.0.0.1"]},{"addresses":["10.0.0.2"]},{"addresses":["10.0.0.3"]},{"addresses":["10.0.0.4"]}]}""");
        Assert.Equal(
            """
            NAME   ADDRESSTYPE   PORTS   ENDPOINTS                                AGE
            s      IPv4          80      10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...   60s

            """,
            Kinds.Print(Kinds.Get("EndpointSlice", "discovery.k8s.io"), wide: false, slice));
    }

    [Fact]
    public void PrintsSelectorsInOneLine() => Assert.Equal("a=b,c in (d,e),!f", Kinds.Cells(Kinds.Get("NetworkPolicy", "networking.k8s.io"), Kinds.Json(
        """{"metadata":{"name":"a"},"spec":{"podSelector":{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"c","operator":"In","values":["e","d"]},{"key":"f","operator":"DoesNotExist"}]}}}"""))[1].GetString());
}
