using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;

namespace Portolan.Lab.ApiServer;

/// <summary>Events live for an hour after they were last reported, as on a real server; otherwise they would fill the store.</summary>
internal sealed class EventExpiry(ServerContext server, Deletion deletion)
{
    private static readonly TimeSpan Life = TimeSpan.FromHours(1);
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(5);

    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Every, server.Clock);
        while (await timer.WaitForNextTickAsync(cancellation)) await ExpireAsync(cancellation);
    }

    public async Task ExpireAsync(CancellationToken cancellation)
    {
        var resource = server.Kinds.Find("", "events")!;
        var before = server.Clock.GetUtcNow() - Life;
        foreach (var stored in server.Store.List("events", null).Objects)
        {
            var obj = StoredForm.Parse(stored);
            var seen = obj.Text("lastTimestamp") ?? obj.Text("eventTime") ?? (obj["metadata"] as System.Text.Json.Nodes.JsonObject).Text("creationTimestamp");
            if (DateTimeOffset.TryParse(seen, out var when) && when >= before) continue;
            try
            {
                await deletion.DeleteAsync(new(resource, resource.StorageKind, stored.Key.Namespace, stored.Key.Name, null), new(ResourceVersion: stored.Revision.ToString()), cancellation);
            }
            catch (ApiException e) when (e.Reason is "NotFound" or "Conflict")
            {
                // Gone already, or reported again.
            }
        }
    }
}
