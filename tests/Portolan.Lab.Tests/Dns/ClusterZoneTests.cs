using System.Net;
using System.Text;
using System.Text.Json;
using CsCheck;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Dns;

namespace Portolan.Lab.Tests.Dns;

public sealed class ClusterZoneTests
{
    private readonly ClusterZone _zone = new();

    public ClusterZoneTests()
    {
        Service("default", "web", """{"clusterIP":"10.233.19.105","clusterIPs":["10.233.19.105"],"ports":[{"name":"http","protocol":"TCP","port":80}]}""");
        Service("default", "db", """{"clusterIP":"None","clusterIPs":["None"],"ports":[{"name":"sql","protocol":"TCP","port":5432}]}""");
        Service("default", "away", """{"type":"ExternalName","externalName":"web.default.svc.cluster.local"}""");
        _zone.Set(new ObjectKey("default", "db-1"), JsonSerializer.Deserialize("""
            {"metadata":{"name":"db-1","namespace":"default","labels":{"kubernetes.io/service-name":"db"}},"addressType":"IPv4",
             "endpoints":[{"addresses":["10.233.65.4"]},{"addresses":["10.233.66.5"],"conditions":{"ready":false}}],"ports":[{"name":"sql","port":15432}]}
            """, Kinds.EndpointSlices.Json));
    }

    [Theory]
    [InlineData("web.default.svc.cluster.local", DnsType.A, "A 10.233.19.105")]
    [InlineData("web.default.svc.cluster.local", DnsType.Aaaa, "")]
    [InlineData("db.default.svc.cluster.local", DnsType.A, "A 10.233.65.4")]
    [InlineData("10-233-65-4.db.default.svc.cluster.local", DnsType.A, "A 10.233.65.4")]
    [InlineData("_http._tcp.web.default.svc.cluster.local", DnsType.Srv, "Srv 0 100 80 web.default.svc.cluster.local")]
    [InlineData("_sql._tcp.db.default.svc.cluster.local", DnsType.Srv, "Srv 0 100 15432 10-233-65-4.db.default.svc.cluster.local")]
    [InlineData("away.default.svc.cluster.local", DnsType.A, "Cname web.default.svc.cluster.local, A 10.233.19.105")]
    [InlineData("105.19.233.10.in-addr.arpa", DnsType.Ptr, "Ptr web.default.svc.cluster.local")]
    [InlineData("10-233-65-9.default.pod.cluster.local", DnsType.A, "A 10.233.65.9")]
    [InlineData("default.svc.cluster.local", DnsType.A, "")]
    public void Knows(string name, DnsType type, string expected) => Assert.Equal((DnsCode.NoError, expected), Ask(name, type));

    [Theory]
    [InlineData("absent.default.svc.cluster.local", DnsCode.NameError)]
    [InlineData("web.default.svc.cluster.local.default.svc.cluster.local", DnsCode.NameError)]
    [InlineData("10-233-66-5.db.default.svc.cluster.local", DnsCode.NameError)]
    [InlineData("_ftp._tcp.web.default.svc.cluster.local", DnsCode.NameError)]
    [InlineData("absent.svc.cluster.local", DnsCode.NameError)]
    [InlineData("1.0.0.10.in-addr.arpa", DnsCode.NameError)]
    [InlineData("example.com", DnsCode.Refused)]
    public void SaysNoWithTheRightCode(string name, DnsCode expected) => Assert.Equal((expected, ""), Ask(name, DnsType.A));

    [Fact]
    public void AnAliasOfItselfEnds()
    {
        Service("default", "loop", """{"type":"ExternalName","externalName":"loop.default.svc.cluster.local"}""");
        Assert.Equal(DnsCode.NoError, Ask("loop.default.svc.cluster.local", DnsType.A).Code);
    }

    [Fact]
    public void NamesAddressesOfBothFamilies_AndBackAgain()
    {
        Service("default", "both", """{"clusterIP":"10.233.0.9","clusterIPs":["10.233.0.9","fd00:233::9"],"ports":[{"port":80}]}""");
        const string Name = "both.default.svc.cluster.local";
        Assert.Equal((DnsCode.NoError, "A 10.233.0.9"), Ask(Name, DnsType.A));
        Assert.Equal((DnsCode.NoError, "Aaaa fd00:233::9"), Ask(Name, DnsType.Aaaa));
        Assert.Equal((DnsCode.NoError, $"Ptr {Name}"), Ask("9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.3.2.0.0.0.d.f.ip6.arpa", DnsType.Ptr));
        Assert.Equal((DnsCode.NameError, ""), Ask("9.0.ip6.arpa", DnsType.Ptr));
        Assert.Equal((DnsCode.NoError, "Aaaa fd00:234:0:65::7"), Ask("fd00-234-0-65--7.default.pod.cluster.local", DnsType.Aaaa));
    }

    [Fact]
    public void ForgetsWhatIsGone()
    {
        _zone.Set(new ObjectKey("default", "web"), (Service?)null);
        Assert.Equal(DnsCode.NameError, Ask("web.default.svc.cluster.local", DnsType.A).Code);
        Assert.Equal(DnsCode.NameError, Ask("105.19.233.10.in-addr.arpa", DnsType.Ptr).Code);
    }

    [Fact]
    public void AnswersByteForByte()
    {
        byte[] query = [0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, .. DnsMessage.EncodeName("WEB.default.svc.cluster.local"), 0, 1, 0, 1];
        Assert.Equal(DnsCode.NoError, DnsMessage.TryParse(query, out var question));
        Assert.Equal("web.default.svc.cluster.local", question.Name);
        var answers = new List<DnsRecord>();
        var code = _zone.Resolve(question.Name, question.Type, answers);
        byte[] expected = [0x12, 0x34, 0x85, 0x00, 0, 1, 0, 1, 0, 0, 0, 0, .. query[12..], 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 10, 233, 19, 105];
        Assert.Equal(expected, DnsMessage.Answer(query, question, code, answers, null, 512));
    }

    [Fact]
    public void TruncatesWhatDoesNotFit()
    {
        byte[] query = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. DnsMessage.EncodeName("many"), 0, 1, 0, 1];
        DnsMessage.TryParse(query, out var question);
        var answer = DnsMessage.Answer(query, question, DnsCode.NoError, [.. Enumerable.Range(0, 100).Select(i => new DnsRecord("many", DnsType.A, [10, 0, 0, (byte)i]))], null, 512);
        Assert.True(answer.Length <= 512);
        Assert.Equal(2, answer[2] & 2);
    }

    [Fact]
    public void NeverFailsOnHostileBytes() => Gen.Byte.Array[0, 80].Sample(bytes =>
    {
        if (bytes.Length > 5)
            (bytes[2], bytes[4], bytes[5]) = ((byte)(bytes[2] & 7), 0, 1);
        if (DnsMessage.TryParse(bytes, out var question) is not { } code)
            return;
        var answers = new List<DnsRecord>();
        if (code is DnsCode.NoError)
            code = _zone.Resolve(question.Name, question.Type, answers);
        DnsMessage.Answer(bytes, question, code, answers, ClusterZone.Soa, 512);
    });

    private (DnsCode Code, string Answers) Ask(string name, DnsType type)
    {
        var answers = new List<DnsRecord>();
        var code = _zone.Resolve(name, type, answers);
        return (code, string.Join(", ", answers.Select(Text)));
    }

    private static string Text(DnsRecord record) => record.Type switch
    {
        DnsType.A or DnsType.Aaaa => $"{record.Type} {new IPAddress(record.Data)}",
        DnsType.Srv => $"Srv {record.Data[1]} {record.Data[3]} {(record.Data[4] << 8) | record.Data[5]} {Name(record.Data[6..])}",
        _ => $"{record.Type} {Name(record.Data)}",
    };

    private static string Name(byte[] data)
    {
        var labels = new List<string>();
        for (var at = 0; data[at] != 0; at += data[at] + 1)
            labels.Add(Encoding.ASCII.GetString(data, at + 1, data[at]));
        return string.Join('.', labels);
    }

    private void Service(string ns, string name, string spec) => _zone.Set(new ObjectKey(ns, name),
        JsonSerializer.Deserialize($$"""{"metadata":{"name":"{{name}}","namespace":"{{ns}}"},"spec":{{spec}}}""", Kinds.Services.Json));
}
