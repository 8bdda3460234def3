using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Portolan.Rig;

namespace Portolan.Soak.ApiKills;

/// <summary>
/// Writes to objects that are its own, at a steady rate, one write at a time. A write that got no answer is looked up once the server is back:
/// it must have happened as a whole or not at all. So the writer always knows what is there.
/// </summary>
internal sealed class Writer(ApiConnection api, int number, double perSecond, Findings findings, Percentiles latency)
{
    private const int Objects = 24;
    private readonly Random _random = new(number);
    private readonly Dictionary<(Kind Kind, string Name), (long Mark, long Revision)> _present = [];
    private long _marks;

    private enum Operation
    {
        Create,
        Update,
        Patch,
        Delete,
    }

    /// <summary>What happened to this writer's objects of each kind, in order.</summary>
    public IReadOnlyDictionary<Kind, List<Change>> Journal { get; } = Kind.All.ToDictionary(k => k, _ => new List<Change>());

    /// <summary>The objects as they must be.</summary>
    public IEnumerable<(string Name, long Mark, long Revision)> Present(Kind kind) =>
        _present.Where(p => p.Key.Kind == kind).Select(p => (p.Key.Name, p.Value.Mark, p.Value.Revision));

    public async Task RunAsync(CancellationToken until)
    {
        var pace = TimeSpan.FromSeconds(1 / perSecond);
        var next = Stopwatch.GetTimestamp();
        while (!until.IsCancellationRequested)
        {
            var early = TimeSpan.FromSeconds((double)(next - Stopwatch.GetTimestamp()) / Stopwatch.Frequency);
            if (early > TimeSpan.Zero) await Task.Delay(early, CancellationToken.None);
            // What an outage left undone is not made up for.
            next = Math.Max(next, Stopwatch.GetTimestamp() - Stopwatch.Frequency / 10) + (long)(pace.TotalSeconds * Stopwatch.Frequency);
            await WriteAsync();
        }
    }

    private async Task WriteAsync()
    {
        var kind = Kind.All[_random.Next(Kind.All.Count)];
        var name = $"w{number}-{_random.Next(Objects)}";
        var exists = _present.TryGetValue((kind, name), out var now);
        var operation = !exists ? Operation.Create : _random.Next(10) switch { < 5 => Operation.Update, < 8 => Operation.Patch, _ => Operation.Delete };
        var mark = (++_marks * 1000) + number;
        var started = Stopwatch.GetTimestamp();
        try
        {
            var (code, body) = await SendAsync(kind, name, operation, mark, now.Revision);
            if ((int)code is >= 200 and < 300)
            {
                latency.Add(Stopwatch.GetElapsedTime(started));
                var revision = operation == Operation.Delete ? 0 : Revision(body);
                if (operation != Operation.Delete && revision <= now.Revision) findings.Blame($"{kind.Path}/{name}: revision {revision} after {now.Revision}");
                findings.Acknowledge(revision);
                Note(kind, name, operation, operation == Operation.Delete ? now.Mark : mark, revision);
                return;
            }

            // A request that was sent again by the client below us meets its own effect.
            if (code is not (HttpStatusCode.Conflict or HttpStatusCode.NotFound)) findings.Blame($"{operation} {kind.Path}/{name}: {(int)code} {Encoding.UTF8.GetString(body)}");
        }
        catch (HttpRequestException)
        {
            // Resolved below.
        }

        await ResolveAsync(kind, name, operation, mark, exists ? now : null);
    }

    private Task<(HttpStatusCode Code, byte[] Body)> SendAsync(Kind kind, string name, Operation operation, long mark, long revision) => operation switch
    {
        Operation.Create => api.SendAsync(HttpMethod.Post, kind.Path, kind.Body(name, mark)),
        Operation.Update => api.SendAsync(HttpMethod.Put, $"{kind.Path}/{name}",
            kind.Body(name, mark).Replace("\"labels\"", $"\"resourceVersion\":\"{revision}\",\"labels\"", StringComparison.Ordinal)),
        Operation.Patch => api.SendAsync(HttpMethod.Patch, $"{kind.Path}/{name}", $"{{\"metadata\":{Kind.Metadata(name, mark)}}}", "application/merge-patch+json"),
        _ => api.SendAsync(HttpMethod.Delete, $"{kind.Path}/{name}"),
    };

    private async Task ResolveAsync(Kind kind, string name, Operation operation, long mark, (long Mark, long Revision)? before)
    {
        var (code, body) = await UntilAnsweredAsync(kind, name);
        (long Mark, long Revision)? there = null;
        if (code == HttpStatusCode.OK)
        {
            using var document = JsonDocument.Parse(body);
            var (_, itsMark, itsRevision) = Change.Read(document.RootElement);
            there = (itsMark, itsRevision);
        }

        var happened = operation == Operation.Delete ? there is null : there?.Mark == mark;
        findings.Resolve(happened);
        if (happened) Note(kind, name, operation, operation == Operation.Delete ? before!.Value.Mark : mark, there?.Revision ?? 0);
        else if (there != before) findings.Blame($"{operation} {kind.Path}/{name} without an answer: there is {there}, before it {before}, it would have left mark {mark}");
    }

    private async Task<(HttpStatusCode Code, byte[] Body)> UntilAnsweredAsync(Kind kind, string name)
    {
        while (true)
        {
            try
            {
                return await api.SendAsync(HttpMethod.Get, $"{kind.Path}/{name}");
            }
            catch (HttpRequestException)
            {
                // Ends when the server is back: the trial fails by itself if that does not happen.
                await Task.Delay(5);
            }
        }
    }

    private void Note(Kind kind, string name, Operation operation, long mark, long revision)
    {
        var type = operation switch { Operation.Create => ChangeType.Added, Operation.Delete => ChangeType.Deleted, _ => ChangeType.Modified };
        Journal[kind].Add(new(type, name, mark, revision));
        if (operation == Operation.Delete) _present.Remove((kind, name));
        else _present[(kind, name)] = (mark, revision);
    }

    private static long Revision(byte[] body)
    {
        using var document = JsonDocument.Parse(body);
        return long.Parse(document.RootElement.GetProperty("metadata").GetProperty("resourceVersion").GetString()!, CultureInfo.InvariantCulture);
    }
}
