namespace Portolan.EndToEnd.Tests;

/// <summary>Who may do what in a lab: its own programs what they need, pods what they are given.</summary>
[Collection(LabCollection.Name)]
public sealed class AccessTests(LabFixture fixture)
{
    private readonly Lab _lab = fixture.Lab;

    [Fact]
    public void APodActsAsItsServiceAccount()
    {
        try
        {
            _lab.Kubectl("run robot --image ghcr.io/c1t1d0s7/network-multitool --restart=Never -- sleep 300").Succeeds();
            _lab.Kubectl("wait --for=condition=Ready pod/robot --timeout=20s").Succeeds();
            Assert.Contains("User \"system:serviceaccount:default:default\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"",
                _lab.Kubectl("exec robot -- kubectl get pods").Fails().All);
            _lab.Kubectl("create rolebinding robot --clusterrole=view --serviceaccount=default:default").Succeeds();
            Assert.Contains("robot", _lab.Kubectl("exec robot -- kubectl get pods").Succeeds().Output);
            Assert.Contains("system:serviceaccounts:default", _lab.Kubectl("exec robot -- kubectl auth whoami").Succeeds().Output);
            _lab.Kubectl("exec robot -- kubectl get secrets").Fails();
        }
        finally
        {
            _lab.Kubectl("delete rolebinding robot --ignore-not-found");
            _lab.Kubectl("delete pod robot --now");
        }
    }

    [Fact]
    public void TheLabsProgramsHaveTheRightsTheyNeedAndNoMore()
    {
        var state = $"/var/lib/portolan/lab/{_lab.Name}";
        foreach (var log in Directory.GetFiles($"{state}/logs")) Assert.DoesNotContain("forbidden: User", File.ReadAllText(log));
        foreach (var pod in (string[])["kube-system k8s-app=kube-dns", "kube-system app=portolan-proxy", "metallb-system app=metallb"])
        {
            var (ns, label) = pod.Split(' ') is [var first, var second] ? (first, second) : ("", "");
            Assert.DoesNotContain("forbidden: User", _lab.Kubectl($"logs -n {ns} -l {label} --tail=-1").Succeeds().Output);
        }

        foreach (var who in (string[])["controllers", "node1"])
        {
            var kubectl = $"kubectl --kubeconfig {state}/{who}.kubeconfig";
            Assert.DoesNotContain("system:masters", _lab.On("control", $"{kubectl} auth whoami").Succeeds().Output);
            _lab.On("control", $"{kubectl} auth can-i create clusterrolebindings").Fails();
        }
    }
}
