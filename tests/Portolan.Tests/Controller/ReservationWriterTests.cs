using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Core.Addresses.Policies;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Leases;

namespace Portolan.Tests.Controller;

public sealed class ReservationWriterTests
{
    private static readonly AddressReservation Record = new()
    {
        Name = "service-1", Service = new ObjectKey("default", "web"), Addresses = [IpAddress.Parse("10.0.0.1")], ExpiresAt = 4600, IsManaged = true,
    };

    [Fact]
    public async Task AppliesTheRecord_AndDeletesIt()
    {
        await using var api = await FakeApi.StartAsync(request => (200, request.StartsWith("DELETE", StringComparison.Ordinal) ? """{"kind":"Status","status":"Success"}""" : """{"metadata":{"name":"service-1"}}"""));
        var writer = new ReservationWriter(api.Client, "metallb-system", WriteFence.AlwaysOpen(TimeProvider.System));
        await WriteAsync(writer, Record);
        Assert.Equal(
            "PATCH /apis/portolan.dev/v1alpha1/namespaces/metallb-system/addressreservations/service-1 "
            + """{"apiVersion":"portolan.dev/v1alpha1","kind":"AddressReservation","metadata":{"name":"service-1","namespace":"metallb-system","labels":{"app.kubernetes.io/managed-by":"portolan"}},"spec":{"addresses":["10.0.0.1"],"service":{"namespace":"default","name":"web"},"expiresAt":"1970-01-01T01:16:40Z"}}""",
            Assert.Single(api.Requests));
        Assert.False(writer.WasOurs("service-1"));
        await WriteAsync(writer, null);
        Assert.StartsWith("DELETE /apis/portolan.dev/v1alpha1/namespaces/metallb-system/addressreservations/service-1", api.Requests[1], StringComparison.Ordinal);
        Assert.True(writer.WasOurs("service-1"));
        Assert.False(writer.WasOurs("service-1"));
    }

    [Fact]
    public async Task WhatCouldNotBeWrittenStaysWished()
    {
        var well = false;
        await using var api = await FakeApi.StartAsync(_ => well ? (200, """{"metadata":{"name":"service-1"}}""") : (503, """{"kind":"Status","message":"not now"}"""));
        var writer = new ReservationWriter(api.Client, "metallb-system", WriteFence.AlwaysOpen(TimeProvider.System));
        writer.Desire([new("service-1", Record)]);
        await Assert.ThrowsAnyAsync<Exception>(() => writer.RunAsync(TestContext.Current.CancellationToken));
        Assert.Equal(1, writer.Pending);
        well = true;
        await WriteAsync(writer, Record);
        Assert.Equal(0, writer.Pending);
    }

    [Fact]
    public async Task RecordThatIsNotThereIsDeletedAlready()
    {
        await using var api = await FakeApi.StartAsync((404, """{"kind":"Status","reason":"NotFound","message":"not found"}"""));
        var writer = new ReservationWriter(api.Client, "metallb-system", WriteFence.AlwaysOpen(TimeProvider.System));
        await WriteAsync(writer, null);
        Assert.False(writer.WasOurs("service-1"));
    }

    private static async Task WriteAsync(ReservationWriter writer, AddressReservation? wish)
    {
        writer.Desire([new("service-1", wish)]);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var run = writer.RunAsync(stop.Token);
        for (var i = 0; writer.Pending > 0 && i < 500; i++)
            await Task.Delay(10, stop.Token);
        Assert.Equal(0, writer.Pending);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }
}
