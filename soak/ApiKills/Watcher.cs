using System.Net;
using System.Text.Json;
using Portolan.Rig;

namespace Portolan.Soak.ApiKills;

/// <summary>Watches a kind from the beginning, resuming after each loss from the last revision it was told, and keeps what it saw.</summary>
internal sealed class Watcher(ApiConnection api, Kind kind, bool selecting, bool bookmarks, long from, Findings findings)
{
    private readonly TaskCompletionSource _fenceSeen = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _revision = from;

    public Kind Kind => kind;

    /// <summary>Whether it sees only what the trial's selector selects.</summary>
    public bool Selecting => selecting;

    public List<Change> Seen { get; } = [];

    /// <summary>Completes when the object that was created last has been seen.</summary>
    public Task FenceSeen => _fenceSeen.Task;

    public async Task RunAsync(CancellationToken until)
    {
        while (!until.IsCancellationRequested)
        {
            try
            {
                await WatchAsync(until);
                findings.Resume();
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                findings.Resume();
                await Task.Delay(5, CancellationToken.None);
            }
            catch (OperationCanceledException) when (until.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task WatchAsync(CancellationToken until)
    {
        var path = $"{kind.Path}?watch=true&resourceVersion={_revision}{(selecting ? $"&labelSelector={Uri.EscapeDataString(Kind.Selector)}" : "")}{(bookmarks ? "&allowWatchBookmarks=true&timeoutSeconds=3" : "")}";
        var (code, body) = await api.WatchAsync(path, until);
        await using (body)
        {
            if (code != HttpStatusCode.OK) findings.Blame($"watch of {kind.Path} from {_revision}: {(int)code}");
            using var reader = new StreamReader(body);
            while (await reader.ReadLineAsync(until) is { } line)
            {
                if (!See(line)) return;
            }
        }
    }

    /// <returns>False when the watch cannot go on.</returns>
    private bool See(string line)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(line);
        }
        catch (JsonException)
        {
            // Cut off by the death of the server: it will come again, whole.
            return true;
        }

        using (document)
        {
            var type = document.RootElement.GetProperty("type").GetString();
            var obj = document.RootElement.GetProperty("object");
            if (type == "ERROR")
            {
                findings.Blame($"watch of {kind.Path} from {_revision}: {obj.GetRawText()}");
                return false;
            }

            if (type == "BOOKMARK")
            {
                var told = long.Parse(obj.GetProperty("metadata").GetProperty("resourceVersion").GetString()!, System.Globalization.CultureInfo.InvariantCulture);
                if (told < _revision) findings.Blame($"watch of {kind.Path}: a bookmark of {told} after {_revision}");
                findings.See(_revision = told);
                return true;
            }

            var (name, mark, revision) = Change.Read(obj);
            if (revision <= _revision) findings.Blame($"watch of {kind.Path}: revision {revision} after {_revision}");
            findings.See(_revision = revision);
            if (name == ApiKillsTrial.Fence) _fenceSeen.TrySetResult();
            else Seen.Add(new(Enum.Parse<ChangeType>(type!, ignoreCase: true), name, mark, revision));
            return true;
        }
    }
}
