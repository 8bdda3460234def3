using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Portolan.Core.Addresses;
using Portolan.Speaker.Moves;

namespace Portolan.Tests.Speaker.Moves;

public sealed class HandoverTableTests
{
    [Theory]
    [InlineData(IpFamily.IPv4, Translator.Portolan)]
    [InlineData(IpFamily.IPv4, Translator.KubeProxy)]
    [InlineData(IpFamily.IPv6, Translator.Portolan)]
    [InlineData(IpFamily.IPv6, Translator.KubeProxy)]
    public async Task LosesNoRequestAndNoNewConnection_WhenAnAddressMovesAndComesBack(IpFamily family, Translator translator)
    {
        using var lab = new MovesLab(family, translator);
        var open = Enumerable.Range(0, 100).Select(_ => lab.Connect()).ToList();
        Assert.Equal(2, open.Select(connection => connection.Pod).Distinct().Count());
        var failures = new ConcurrentQueue<string>();
        using var over = new CancellationTokenSource();
        int requests = 0, connections = 0;
        var asking = Task.Run(() =>
        {
            while (!over.IsCancellationRequested)
            {
                foreach (var (socket, pod) in open)
                    Try(failures, () => Assert.Equal(pod, MovesLab.Ask(socket)));
                requests++;
                Thread.Sleep(100);
            }
        });
        var connecting = Task.Run(() =>
        {
            while (!over.IsCancellationRequested)
            {
                Try(failures, () => lab.Connect().Socket.Dispose());
                connections++;
                Thread.Sleep(5);
            }
        });
        foreach (var (from, to) in (ReadOnlySpan<(MovesLab.Node, MovesLab.Node)>)[(lab.A, lab.B), (lab.B, lab.A), (lab.A, lab.B)])
        {
            var (asked, connected) = (requests, connections);
            SpinWait.SpinUntil(() => requests > asked + 2 && connections > connected + 20);
            lab.Move(from, to);
        }

        var (last, lastConnection) = (requests, connections);
        SpinWait.SpinUntil(() => requests > last + 2 && connections > lastConnection + 20);
        await over.CancelAsync();
        await Task.WhenAll(asking, connecting);
        foreach (var (socket, _) in open)
            socket.Dispose();
        Assert.Empty(failures);
    }

    [Theory]
    [InlineData(IpFamily.IPv4)]
    [InlineData(IpFamily.IPv6)]
    public void CarriesWholeTransfersAndTheEndOfAConnection(IpFamily family)
    {
        using var lab = new MovesLab(family, Translator.KubeProxy);
        var (socket, pod) = lab.Connect();
        lab.Move(lab.A, lab.B);
        for (var i = 0; i < 200; i++)
            Assert.Equal(pod, MovesLab.Ask(socket));

        // Half closed by the client: the pod sees the end, and ends too. FIN is the first packet of this connection that node b could begin one with.
        socket.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, socket.Receive(new byte[10]));
        socket.Dispose();
    }

    /// <summary>A router says that an answer did not fit: without that the pod would send it again and again.</summary>
    [Theory]
    [InlineData(IpFamily.IPv4)]
    [InlineData(IpFamily.IPv6)]
    public void SendsErrorsAfterTheConnectionTheyAreAbout(IpFamily family)
    {
        using var lab = new MovesLab(family, Translator.Portolan);
        var (socket, _) = lab.Connect();
        lab.Move(lab.A, lab.B);
        lab.Count(lab.A);
        lab.Client.Inside(() =>
        {
            using var raw = new Socket(socket.AddressFamily, SocketType.Raw, family is IpFamily.IPv4 ? ProtocolType.Icmp : ProtocolType.IcmpV6);
            return raw.SendTo(TooBig(lab.Vip, lab.Address(10), (ushort)((IPEndPoint)socket.LocalEndPoint!).Port), new IPEndPoint(lab.Vip.ToIPAddress(), 0));
        });
        Assert.True(SpinWait.SpinUntil(() => MovesLab.Counted(lab.A) > 0, TimeSpan.FromSeconds(10)));
        Assert.Equal(1, MovesLab.Counted(lab.A, "related"));
        socket.Dispose();
    }

    // ICMP "fragmentation needed" (RFC 792, RFC 1191) or ICMPv6 "packet too big" (RFC 4443 §3.2), next MTU 1300, with the header of a segment from the Service to the client.
    private static byte[] TooBig(IpAddress from, IpAddress to, ushort clientPort)
    {
        byte[] ports = [0, MovesLab.Port, (byte)(clientPort >> 8), (byte)clientPort, 0, 0, 0, 1];
        if (!from.IsIPv4)
            return [2, 0, 0, 0, 0, 0, 0x05, 0x14, 0x60, 0, 0, 0, 0x05, 0xb4, 6, 64, .. from.ToIPAddress().GetAddressBytes(), .. to.ToIPAddress().GetAddressBytes(), .. ports];
        byte[] inner = [0x45, 0, 0x05, 0xdc, 0, 0, 0x40, 0, 64, 6, 0, 0, .. from.ToIPAddress().GetAddressBytes(), .. to.ToIPAddress().GetAddressBytes()];
        BinaryPrimitives.WriteUInt16BigEndian(inner.AsSpan(10), Checksum(inner));
        byte[] message = [3, 4, 0, 0, 0, 0, 0x05, 0x14, .. inner, .. ports];
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), Checksum(message));
        return message;
    }

    private static ushort Checksum(ReadOnlySpan<byte> bytes)
    {
        var sum = 0u;
        for (var i = 0; i < bytes.Length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        while (sum > ushort.MaxValue)
            sum = (sum & ushort.MaxValue) + (sum >> 16);
        return (ushort)~sum;
    }

    [Theory]
    [InlineData(Translator.Portolan)]
    [InlineData(Translator.KubeProxy)]
    public void KeepsThePodOfTheFormerNode_WhereTheTrafficPolicyIsLocal(Translator translator)
    {
        using var lab = new MovesLab(IpFamily.IPv4, translator, isLocal: true);
        var (old, oldPod) = lab.Connect();
        Assert.Equal("pod-a", oldPod);
        lab.Move(lab.A, lab.B);
        Assert.Equal("pod-a", MovesLab.Ask(old));
        var (young, youngPod) = lab.Connect();
        Assert.Equal("pod-b", youngPod);
        lab.Move(lab.B, lab.A);
        Assert.Equal(("pod-a", "pod-b"), (MovesLab.Ask(old), MovesLab.Ask(young)));
        old.Dispose();
        young.Dispose();
    }

    [Theory]
    [InlineData(IpFamily.IPv4)]
    [InlineData(IpFamily.IPv6)]
    public void EndsByItself_AtItsTime(IpFamily family)
    {
        using var lab = new MovesLab(family, Translator.Portolan);
        var open = Enumerable.Range(0, 8).Select(_ => lab.Connect().Socket).ToList();
        lab.Move(lab.A, lab.B, TimeSpan.FromSeconds(2));
        foreach (var socket in open)
            MovesLab.Ask(socket);
        Assert.True(SpinWait.SpinUntil(() => lab.Elements(lab.B, HandoverShape.Moved) == 0, TimeSpan.FromSeconds(20)));

        // Nobody knows these connections now. The pod they are sent to anew resets them.
        foreach (var socket in open)
        {
            Assert.Equal(SocketError.ConnectionReset, Assert.Throws<SocketException>(() => MovesLab.Ask(socket)).SocketErrorCode);
            socket.Dispose();
        }
    }

    [Fact]
    public void EndsEarlier_WhenNothingIsHandedOverAnyMore()
    {
        using var lab = new MovesLab(IpFamily.IPv4, Translator.Portolan, idle: TimeSpan.FromSeconds(3));
        var (socket, _) = lab.Connect();
        lab.Move(lab.A, lab.B);
        for (var i = 0; i < 25; i++)
        {
            MovesLab.Ask(socket);
            Thread.Sleep(200); // in all longer than the idle time
        }

        Assert.True(SpinWait.SpinUntil(() => lab.Elements(lab.B, HandoverShape.InUse) == 0, TimeSpan.FromSeconds(20)));
        Assert.Equal(1, lab.Elements(lab.B, HandoverShape.Moved));
        Assert.Throws<SocketException>(() => MovesLab.Ask(socket));
        socket.Dispose();
    }

    [Theory]
    [InlineData(IpFamily.IPv4, Translator.Portolan)]
    [InlineData(IpFamily.IPv4, Translator.KubeProxy)]
    [InlineData(IpFamily.IPv6, Translator.Portolan)]
    public void ResetsAConnectionNobodyKnows_WithoutALoop_WhereBothNodesTakeTheOtherForTheFormerHolder(IpFamily family, Translator translator)
    {
        using var lab = new MovesLab(family, translator);
        var (socket, _) = lab.Connect();
        lab.Move(lab.A, lab.B);
        lab.Move(lab.B, lab.A);
        lab.Forget(lab.A);
        lab.Forget(lab.B);
        lab.Count(lab.A);
        lab.Count(lab.B);
        Assert.Equal(SocketError.ConnectionReset, Assert.Throws<SocketException>(() => MovesLab.Ask(socket)).SocketErrorCode);
        Assert.Equal((2, 2), (MovesLab.Counted(lab.A), MovesLab.Counted(lab.B))); // from the client, and handed over three times
        socket.Dispose();
    }

    [Fact]
    public void FollowsAnAddressThatMovedTwice()
    {
        using var lab = new MovesLab(IpFamily.IPv4, Translator.Portolan);
        var (first, pod) = lab.Connect();
        lab.Move(lab.A, lab.B);
        // It came back, and this node has forgotten the connection, but for the former holder's sake nothing changes for those it knows.
        var (second, secondPod) = lab.Connect();
        lab.Move(lab.B, lab.A);
        Assert.Equal((pod, secondPod), (MovesLab.Ask(first), MovesLab.Ask(second)));
        lab.Move(lab.A, lab.B);
        Assert.Equal((pod, secondPod), (MovesLab.Ask(first), MovesLab.Ask(second)));
        first.Dispose();
        second.Dispose();
    }

    [Fact]
    public void HandsOver_WhereTheKernelPicksUpNoConnectionHalfWay()
    {
        using var lab = new MovesLab(IpFamily.IPv4, Translator.KubeProxy);
        lab.A.Namespace.Sysctl("net.netfilter.nf_conntrack_tcp_loose", "0");
        lab.B.Namespace.Sysctl("net.netfilter.nf_conntrack_tcp_loose", "0");
        lab.Tables["b"].Dispose();
        lab.Tables["b"] = lab.B.Namespace.Inside(() => new HandoverTable(IpFamily.IPv4));
        var (socket, pod) = lab.Connect();
        lab.Move(lab.A, lab.B);
        for (var i = 0; i < 5; i++)
            Assert.Equal(pod, MovesLab.Ask(socket));
        socket.Dispose();
        lab.Tables["b"].Dispose();
    }

    [Fact]
    public void LeavesConnectionsOfTheNewHolderAlone()
    {
        using var lab = new MovesLab(IpFamily.IPv4, Translator.Portolan);
        lab.Move(lab.A, lab.B);
        lab.Count(lab.A);
        var (socket, pod) = lab.Connect();
        for (var i = 0; i < 5; i++)
            Assert.Equal(pod, MovesLab.Ask(socket));
        socket.Dispose();
        Assert.Equal(0, MovesLab.Counted(lab.A));
    }

    [Fact]
    public void MovesThousandsAtOnce_AddsToThem_AndLeavesNothingBehind()
    {
        using var lab = new MovesLab(IpFamily.IPv4, Translator.Portolan);
        var table = lab.Tables["b"];
        var many = Enumerable.Range(0, 5000).Select(i => new Handover(IpAddress.V4(0xc6120000 + (uint)i), "a", lab.Address(1), 60_000_000)).ToList();
        table.Add(many, many, 0);
        Assert.Equal(5000, lab.Elements(lab.B, HandoverShape.Moved));
        var one = many[0] with { Holder = lab.Address(10) };
        List<Handover> all = [one, .. many.Skip(1), new Handover(lab.Vip, "a", lab.Address(1), 60_000_000)];
        table.Add([all[^1]], all, 1); // one that is new
        Assert.Equal(5001, lab.Elements(lab.B, HandoverShape.Moved));
        table.Add([one], all, 2); // and one with another holder
        Assert.Equal(5001, lab.Elements(lab.B, HandoverShape.InUse));
        Assert.Equal(5001, lab.Elements(lab.B, HandoverShape.Moved));

        // Somebody deletes the table: it comes back whole.
        lab.B.Namespace.RunInside("nft", $"delete table ip {HandoverShape.Table}");
        table.Add([one with { Address = lab.Address(250) }], all, 3);
        Assert.Equal(5001, lab.Elements(lab.B, HandoverShape.Moved));
        table.Set([], 4);
        Assert.DoesNotContain(HandoverShape.Table, lab.B.Namespace.RunInside("nft", "list tables"), StringComparison.Ordinal);
    }

    [Fact]
    public void ShowsWhatItDoes_InAListing()
    {
        using var lab = new MovesLab(IpFamily.IPv4, Translator.Portolan);
        lab.Move(lab.A, lab.B);
        var listing = lab.B.Namespace.RunInside("nft", $"list table ip {HandoverShape.Table}");
        Assert.Contains("dup to ip daddr map @moved", listing, StringComparison.Ordinal);
    }

    private static void Try(ConcurrentQueue<string> failures, Action action)
    {
        try
        {
            action();
        }
        catch (Exception failure)
        {
            failures.Enqueue(failure.Message);
        }
    }
}
