using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Proxy.Nftables;

namespace Portolan.Tests.Proxy.Packets;

/// <summary>
/// Every client × destination × policy × state of the endpoints × detector × family × protocol, with real packets: who answers, and which
/// source address they see, beside what <see cref="ExpectedAnswers"/> says.
/// </summary>
public abstract class PolicyMatrix : IClassFixture<TwoNodeLab>
{
    private static readonly Dictionary<string, Backend[]> Endpoints = new()
    {
        ["here and elsewhere"] = [new("local"), new("local2"), new("remote")],
        ["elsewhere only"] = [new("remote")],
        ["nowhere"] = [],
        ["none usable"] = [new("local", Ready: false, Serving: false), new("local2", Ready: false), new("remote", Ready: false, Serving: false, Terminating: true)],
        ["draining here, ready elsewhere"] = [Backend.Draining("local"), new("local2", Ready: false, Serving: false, Terminating: true), new("remote")],
        ["ready here, draining elsewhere"] = [new("local"), Backend.Draining("local2"), Backend.Draining("remote")],
        ["all draining"] = [Backend.Draining("local"), Backend.Draining("remote"), new("local2", Ready: false, Serving: false, Terminating: true)],
        ["draining elsewhere only, hinted at another zone"] = [Backend.Draining("remote") with { Zone = "there" }],
        ["hinted at nodes"] = [new("local", Node: "node"), new("local2", Node: "node2"), new("remote", Node: "node2")],
        ["hinted at nodes and zones"] = [new("local", Node: "node2", Zone: "there"), new("local2", Node: "node2", Zone: "there"), new("remote", Node: "node2", Zone: TwoNodeLab.Zone)],
        ["hinted at zones"] = [new("local", Zone: "there"), new("local2", Zone: TwoNodeLab.Zone), new("remote", Zone: TwoNodeLab.Zone)],
        ["one without a hint"] = [new("local", Zone: TwoNodeLab.Zone, Node: "node"), new("local2"), new("remote", Zone: "there", Node: "node2")],
        ["hinted at another zone"] = [new("local", Zone: "there"), new("remote", Zone: "there")],
    };

    // Which endpoints are usable does not depend on the detector: the rest is asked with one of them only.
    private static readonly HashSet<string> WithEveryDetection = ["here and elsewhere", "elsewhere only", "nowhere", "draining here, ready elsewhere"];

    private readonly TwoNodeLab _lab;

    private protected PolicyMatrix(TwoNodeLab lab)
    {
        NetworkNamespace.SkipUnlessRoot();
        _lab = lab;
    }

    /// <summary>Makes node forward exactly what these plans say, and forget every flow.</summary>
    private protected abstract void Program(IpFamily family, ForwardingContext context, TableSettings settings, Func<ForwardingContext, ForwardingIndex> index);

    private protected static IEnumerable<TheoryDataRow<IpFamily, Detection, string>> CasesOf(params IpFamily[] families) =>
        from family in families
        from detection in Enum.GetValues<Detection>()
        from endpoints in Endpoints.Keys
        where detection is Detection.ClusterCidr || WithEveryDetection.Contains(endpoints)
        select new TheoryDataRow<IpFamily, Detection, string>(family, detection, endpoints);

    private protected void AnswersAsKubernetesSays(IpFamily family, Detection detection, string endpoints)
    {
        var wrong = new List<string>();
        foreach (var internalPolicy in Enum.GetValues<TrafficPolicy>())
        foreach (var externalPolicy in Enum.GetValues<TrafficPolicy>())
        {
            var service = TwoNodeLab.Service(family) with { InternalTrafficPolicy = internalPolicy, ExternalTrafficPolicy = externalPolicy };
            Program(service, family, detection, Endpoints[endpoints]);
            foreach (var (client, isPod) in (ReadOnlySpan<(LabHost, bool)>)[(_lab.Pod, true), (_lab.Local, true), (_lab.Node, false), (_lab.Client, false)])
            {
                var cells = new List<(Protocol Protocol, Destination Destination, ExpectedAnswers Expected)>();
                foreach (var destination in Enum.GetValues<Destination>())
                {
                    // Each policy governs its own destinations; that it leaves the others alone is seen often enough without asking everybody twice.
                    if ((destination is Destination.ClusterIP ? externalPolicy : internalPolicy) is TrafficPolicy.Local && endpoints != "here and elsewhere")
                        continue;
                    var expected = ExpectedAnswers.Of(client, isPod, destination, internalPolicy, externalPolicy, Endpoints[endpoints], detection);
                    cells.AddRange(Enum.GetValues<Protocol>().Select(protocol => (protocol, destination, expected)));
                }

                // TCP over IPv6 takes a second to see a refusal, whatever the detector and the policies: it is asked once.
                var isSlow = family is IpFamily.IPv6 && (detection, internalPolicy, externalPolicy) != (Detection.None, TrafficPolicy.Cluster, TrafficPolicy.Cluster);
                var refused = cells.FindAll(cell => cell.Expected.IsRefused && !(isSlow && cell.Protocol is Protocol.Tcp));
                foreach (var (cell, answer) in refused.Zip(client.AskAtOnce(refused.Select(cell => (cell.Protocol, At(cell.Destination, family).Address, At(cell.Destination, family).Port)))))
                {
                    if (answer != Answer.Refused)
                        Note(cell, $"{answer}, not refused");
                }

                foreach (var cell in cells.Where(cell => !cell.Expected.IsRefused))
                foreach (var what in Wrong(client, family, cell.Protocol, cell.Destination, cell.Expected))
                    Note(cell, what);

                void Note((Protocol Protocol, Destination Destination, ExpectedAnswers Expected) cell, string what) =>
                    wrong.Add($"{client.Name} → {cell.Destination}/{cell.Protocol}, internal {internalPolicy}, external {externalPolicy}: {what}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong.Take(40)));
    }

    private void Program(ServiceFacts service, IpFamily family, Detection detection, Backend[] backends)
    {
        var (context, settings) = TwoNodeLab.Detect(detection, family);
        Program(family, context, settings, context =>
        {
            var index = new ForwardingIndex(context);
            index.Set(service);
            index.Set(_lab.Slice(family, backends));
            index.TakeChanges();
            return index;
        });
    }

    private static (IpAddress Address, int Port) At(Destination destination, IpFamily family) => destination switch
    {
        Destination.ClusterIP => (TwoNodeLab.ClusterIP(family), TwoNodeLab.ServicePortNumber),
        Destination.NodePort => (TwoNodeLab.NodeIP(family), TwoNodeLab.NodePort),
        Destination.LoadBalancer => (TwoNodeLab.Vip(family), TwoNodeLab.ServicePortNumber),
        _ => (TwoNodeLab.ExternalIP(family), TwoNodeLab.ServicePortNumber),
    };

    private IEnumerable<string> Wrong(LabHost client, IpFamily family, Protocol protocol, Destination destination, ExpectedAnswers expected)
    {
        var (address, port) = At(destination, family);
        if (expected.From.Count == 0)
        {
            var answer = client.AskInVain(protocol, address, port, _lab.Responders, TwoNodeLab.ResponderPort);
            if (answer != Answer.Nothing)
                yield return $"{answer}, not nothing";
            yield break;
        }

        // All who may answer are drawn soon; one who may not is found in one of the many cells.
        var answers = client.AskMany(protocol, address, port, 4, 80, answers => answers.Select(answer => answer.From).Distinct().Count() >= expected.From.Count);
        foreach (var answer in answers.Distinct())
        {
            if (!expected.From.Contains(answer.From))
                yield return $"{answer}, but only {string.Join(" and ", expected.From)} may answer";
            else if (answer.Port != TwoNodeLab.ResponderPort || answer.Source == client.Address(family) == expected.SeesNode.Contains(answer.From))
                yield return $"{answer}, not {(expected.SeesNode.Contains(answer.From) ? "the node" : client.Address(family))}";
        }

        foreach (var silent in expected.From.Except(answers.Select(answer => answer.From)))
            yield return $"{silent} never answers";
    }
}

/// <summary>The matrix, forwarded by nftables.</summary>
public sealed class PolicyMatrixTests(TwoNodeLab lab) : PolicyMatrix(lab)
{
    private readonly TwoNodeLab _lab = lab;

    public static IEnumerable<TheoryDataRow<IpFamily, Detection, string>> Cases => CasesOf(Enum.GetValues<IpFamily>());

    [Theory]
    [MemberData(nameof(Cases))]
    [Contract("proxy §1.2-1")]
    [Contract("proxy §1.2-11")]
    [Contract("proxy §1.2-12")]
    [Contract("proxy §1.2-13")]
    [Contract("proxy §1.2-14")]
    [Contract("proxy §1.2-15")]
    [Contract("proxy §1.2-16")]
    [Contract("proxy §1.2-17")]
    [Contract("proxy §1.2-18")]
    [Contract("proxy §1.2-19")]
    [Contract("proxy §1.3-1")]
    [Contract("proxy §1.3-2")]
    [Contract("proxy §1.5-1")]
    [Contract("proxy §1.5-2")]
    [Contract("proxy §1.5-3")]
    [Contract("proxy §1.5-4")]
    [Contract("proxy §1.5-5")]
    [Contract("proxy §1.5-6")]
    [Contract("proxy §1.5-7")]
    [Contract("proxy §1.5-10")]
    public void Holds(IpFamily family, Detection detection, string endpoints) => AnswersAsKubernetesSays(family, detection, endpoints);

    private protected override void Program(IpFamily family, ForwardingContext context, TableSettings settings, Func<ForwardingContext, ForwardingIndex> index) =>
        _lab.Program(family, index(context).Plans, settings);
}
