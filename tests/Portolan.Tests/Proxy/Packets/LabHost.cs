using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Tests.Proxy.Packets;

/// <summary>A host of the lab as a client: asks from an address of its own, each question on a new connection.</summary>
internal sealed class LabHost(string name, NetworkNamespace inside, IpAddress ipv4, IpAddress ipv6)
{
    internal string Name => name;

    internal NetworkNamespace Namespace => inside;

    /// <summary>The address it asks from.</summary>
    internal IpAddress Address(IpFamily family) => family is IpFamily.IPv4 ? ipv4 : ipv6;

    /// <summary>The same host, asking from other addresses, which it must have.</summary>
    internal LabHost From(IpAddress otherIPv4, IpAddress otherIPv6) => new(name, inside, otherIPv4, otherIPv6);

    /// <summary>Asks, and keeps the connection.</summary>
    internal Question Open(Protocol protocol, IpAddress to, int port) => inside.Inside(() => new Question(protocol, Address(to.Family), to, port));

    /// <summary>Asks once.</summary>
    internal Answer Ask(Protocol protocol, IpAddress to, int port, int milliseconds = 3000) => inside.Inside(() => AskHere(protocol, to, port, milliseconds));

    /// <summary>Asks until the answers are enough, at least and at most so many times.</summary>
    internal List<Answer> AskMany(Protocol protocol, IpAddress to, int port, int atLeast, int atMost, Predicate<List<Answer>> isEnough) => inside.Inside(() =>
    {
        var answers = new List<Answer>();
        while (answers.Count < atLeast || (answers.Count < atMost && !isEnough(answers)))
            answers.Add(AskHere(protocol, to, port, 3000));
        return answers;
    });

    /// <summary>Asks so many times.</summary>
    internal List<Answer> AskMany(Protocol protocol, IpAddress to, int port, int times) => AskMany(protocol, to, port, times, times, _ => true);

    /// <summary>Asks each of these once, all at the same time, because a refusal may be slow: TCP over IPv6 overlooks one that arrives while it still sends.</summary>
    internal List<Answer> AskAtOnce(IEnumerable<(Protocol Protocol, IpAddress To, int Port)> whom) => inside.Inside(() =>
    {
        var questions = whom.Select(one => new Question(one.Protocol, Address(one.To.Family), one.To, one.Port)).ToList();
        var answers = questions.ConvertAll(question => question.Read(3000));
        questions.ForEach(question => question.Dispose());
        return answers;
    });

    /// <summary>
    /// Asks where nothing should come of it. Instead of waiting, a question to each responder directly follows: whatever had become of the
    /// first would have come back before.
    /// </summary>
    internal Answer AskInVain(Protocol protocol, IpAddress to, int port, IEnumerable<LabHost> responders, int responderPort) => inside.Inside(() =>
    {
        using var question = new Question(protocol, Address(to.Family), to, port);
        foreach (var responder in responders)
            Assert.Equal(responder.Name, AskHere(Protocol.Udp, responder.Address(to.Family), responderPort, 3000).From);
        return question.Read(2);
    });

    private Answer AskHere(Protocol protocol, IpAddress to, int port, int milliseconds)
    {
        using var question = new Question(protocol, Address(to.Family), to, port);
        return question.Read(milliseconds);
    }
}
