using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Kubernetes.Resources;

namespace Portolan.Tests.Controller;

public sealed class PoolStatusWriterTests
{
    [Fact]
    [Contract("§1.1 status")]
    public async Task WritesWhatDiffers_AndRevertsAHandEdit()
    {
        await using var api = await FakeApi.StartAsync((200, """{"metadata":{}}"""), (200, """{"metadata":{}}"""));
        var writer = new PoolStatusWriter(api.Client, "metallb-system", TimeProvider.System);
        using var stop = new CancellationTokenSource();
        var right = new IPAddressPoolStatus { AssignedIPv4 = 1, AvailableIPv4 = 2 };
        writer.Publish([(new PoolUse("same", 1, 0, 2, 0), right), (new PoolUse("edited", 1, 0, 2, long.MaxValue), new IPAddressPoolStatus { AssignedIPv4 = 99 }), (new PoolUse("new", 0, 0, 4, 0), null)]);
        var run = writer.RunAsync(stop.Token);
        for (var waited = 0; waited < 100 && api.Requests.Count < 2; waited++)
            await Task.Delay(20, TestContext.Current.CancellationToken);
        Assert.Equal(
            [
                """PATCH /apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools/edited/status {"status":{"assignedIPv4":1,"assignedIPv6":0,"availableIPv4":2,"availableIPv6":9223372036854775807}}""",
                """PATCH /apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools/new/status {"status":{"assignedIPv4":0,"assignedIPv6":0,"availableIPv4":4,"availableIPv6":0}}""",
            ],
            api.Requests);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }
}
