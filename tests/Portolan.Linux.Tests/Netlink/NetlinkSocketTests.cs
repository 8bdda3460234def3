using Portolan.Linux.Netlink;

namespace Portolan.Linux.Tests.Netlink;

public sealed class NetlinkSocketTests
{
    private const ushort NewLink = 16, DelLink = 17, GetLink = 18, IfName = 3, LinkInfo = 18, LinkInfoKind = 1;
    private const int LinkGroup = 1;

    private static NetlinkWriter BridgeRequest(ushort type, NetlinkFlags flags, string name)
    {
        var request = new NetlinkWriter();
        request.BeginMessage(type, flags);
        request.Reserve(16);
        request.PutString(IfName, name);
        if (type == NewLink)
        {
            var info = request.BeginNested(LinkInfo);
            request.PutString(LinkInfoKind, "bridge");
            request.EndNested(info);
        }

        request.EndMessage();
        return request;
    }

    private static List<string> LinkNames(NetlinkSocket socket)
    {
        var request = new NetlinkWriter();
        request.BeginMessage(GetLink, NetlinkFlags.None);
        request.Reserve(16);
        request.EndMessage();
        return socket.Dump(request, "list links", (NetlinkMessage message, out string name) =>
        {
            name = message.Attributes(16).TryFind(IfName, out var attribute) ? attribute.AsString : "";
            return name.Length > 0;
        });
    }

    [Fact]
    public async Task CreatesListsAndHearsOfLinks()
    {
        PrivateNetwork.SkipUnlessRoot();
        var (socket, heard) = PrivateNetwork.Open(() => (NetlinkSocket.Open(NetlinkFamily.Route), NetlinkNotifications.Open(NetlinkFamily.Route, LinkGroup)));
        using var s = socket;
        using var h = heard;

        socket.Execute(BridgeRequest(NewLink, NetlinkFlags.Create | NetlinkFlags.Exclusive, "br-test"), "add a bridge");
        Assert.Contains("br-test", LinkNames(socket));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(10));
        var datagram = await heard.ReceiveAsync(limit.Token);
        Assert.True(Mentions(datagram, NewLink, "br-test"));

        socket.Execute(BridgeRequest(DelLink, NetlinkFlags.None, "br-test"), "delete the bridge");
        Assert.DoesNotContain("br-test", LinkNames(socket));
        while (!Mentions(await heard.ReceiveAsync(limit.Token), DelLink, "br-test"))
            continue;

        static bool Mentions(ReadOnlyMemory<byte> datagram, ushort type, string name)
        {
            foreach (var message in new NetlinkMessages(datagram.Span))
            {
                if (message.Type == type && message.Attributes(16).TryFind(IfName, out var attribute) && attribute.AsString == name)
                    return true;
            }

            return false;
        }
    }

    [Fact]
    public void NamesTheOperationAndTheErrno_WhenTheKernelRefuses()
    {
        PrivateNetwork.SkipUnlessRoot();
        using var socket = PrivateNetwork.Open(() => NetlinkSocket.Open(NetlinkFamily.Route));
        var refused = Assert.Throws<NetlinkException>(() => socket.Execute(BridgeRequest(DelLink, NetlinkFlags.None, "nosuch"), "delete link nosuch"));
        Assert.Equal(("delete link nosuch", Errors.NoDevice), (refused.Operation, refused.Errno));
    }

    [Fact]
    public void RepeatsTheKernelsOwnWords_WhenItGivesThem()
    {
        PrivateNetwork.SkipUnlessRoot();
        using var socket = PrivateNetwork.Open(() => NetlinkSocket.Open(NetlinkFamily.Route));
        var request = new NetlinkWriter();
        request.BeginMessage(NewLink, NetlinkFlags.Create | NetlinkFlags.Exclusive);
        request.Reserve(16);
        var info = request.BeginNested(LinkInfo);
        request.PutString(LinkInfoKind, "no-such-kind");
        request.EndNested(info);
        request.EndMessage();
        var refused = Assert.Throws<NetlinkException>(() => socket.Execute(request, "add a link"));
        Assert.Equal("Unknown device type", refused.ExtAckMessage);
    }
}
