using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Speaker;
using Portolan.Tests.Controller;

namespace Portolan.Tests.Speaker;

public sealed class OptionalWatchTests
{
    private const string Path = "/apis/portolan.dev/v1alpha1/namespaces/metallb-system/announcementpolicies";
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private volatile bool _installed;

    [Theory]
    [InlineData(404)]
    [InlineData(403)]
    public async Task NobodyWaitsForPoliciesThatCannotBeRead_AndTheyCountOnceTheyCan(int status)
    {
        await using var api = await FakeApi.StartAsync(request => Answer(request, status));
        using var stop = new CancellationTokenSource();
        var heard = new System.Collections.Concurrent.ConcurrentQueue<string>();
        var run = new OptionalWatch<AnnouncementPolicyObject>(api.Client, Kinds.AnnouncementPolicies, "metallb-system", _time, NullLogger.Instance).RunAsync(
            change =>
            {
                heard.Enqueue($"{change.Kind} {change.Key.Name} {change.New?.Spec?.AnnounceFrom}");
                return ValueTask.CompletedTask;
            },
            stop.Token);
        await EventuallyAsync(() => heard.Count == 1);
        Assert.Equal([$"{ChangeKind.Synced}  "], heard);
        _installed = true;
        await EventuallyAsync(() => heard.Count >= 3);
        Assert.Equal([$"{ChangeKind.Synced}  ", $"{ChangeKind.Added} spread all", $"{ChangeKind.Synced}  "], heard.Take(3));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    private (int Status, string Body) Answer(string request, int status)
    {
        var path = request.Split(' ')[1];
        if (!path.StartsWith(Path, StringComparison.Ordinal) || path.Contains("watch=", StringComparison.Ordinal))
            return (503, """{"kind":"Status","message":"later"}""");
        return _installed
            ? (200, """{"kind":"AnnouncementPolicyList","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"spread","namespace":"metallb-system","uid":"u","resourceVersion":"1"},"spec":{"announceFrom":"all"}}]}""")
            : (status, $$"""{"kind":"Status","reason":"{{(status == 404 ? "NotFound" : "Forbidden")}}","message":"no","code":{{status}}}""");
    }

    private async Task EventuallyAsync(Func<bool> condition)
    {
        for (var waited = 0; !condition(); waited++)
        {
            Assert.True(waited < 500, "waited in vain");
            await Task.Delay(20, TestContext.Current.CancellationToken);
            _time.Advance(TimeSpan.FromSeconds(5));
        }
    }
}
