using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller;

/// <summary>
/// Writes events (core/v1) in the background, so slowly that ten thousand Services made at once do not cost the API server more than their
/// statuses do; warnings go first, because somebody waits for them. An event's name follows from what it says: a repetition, also one by
/// the next process after a restart, raises the count of the event that is there. What is lost is counted, and logged.
/// </summary>
internal sealed class EventRecorder(KubeClient client, string component, TimeProvider time, ILogger log)
{
    private const int Capacity = 16384;
    private const int Remembered = 4096;
    private const int Attempts = 8;
    private const int LongestMessage = 1024;
    private static readonly TimeSpan Courtesy = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LossInterval = TimeSpan.FromMinutes(1);
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);
    private readonly Channel<Entry> _warnings = Channel.CreateBounded<Entry>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly Channel<Entry> _others = Channel.CreateBounded<Entry>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly Channel<bool> _bell = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly EventBudget _budget = new(time);
    private readonly WritePace _pace = new(time, perSecond: 50, burst: 200);
    private long _lost;
    private long _lossLogged;
    private long _lossLoggedAt = time.GetTimestamp() - (long)(LossInterval.TotalSeconds * time.TimestampFrequency);

    /// <summary>Events that could not be written and will not be.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>Queues an event.</summary>
    public void Record(InvolvedObject about, bool isWarning, string reason, string message)
    {
        var entry = new Entry(about, isWarning, reason, message.Length > LongestMessage ? message[..LongestMessage] : message);
        if (!(isWarning ? _warnings : _others).Writer.TryWrite(entry))
            Interlocked.Increment(ref _lost);
        _bell.Writer.TryWrite(true);
    }

    /// <summary>Writes what is queued until the stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            while (_warnings.Reader.TryRead(out var entry) || _others.Reader.TryRead(out entry))
                await TryWriteAsync(entry, stop);
            LogLoss();
            await _bell.Reader.ReadAsync(stop);

            // What the event tells of is still being written, and goes first. Nothing is decided by this time, so it is the real one.
            await Task.Delay(Courtesy, stop);
        }
    }

    private async Task TryWriteAsync(Entry entry, CancellationToken stop)
    {
        if (!_budget.Spend(entry.About))
        {
            Interlocked.Increment(ref _lost);
            return;
        }

        var pauses = new BackOff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10));
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await _pace.WaitAsync(stop);
                await WriteAsync(entry, stop);
                return;
            }
            catch (Exception failure) when (ApiFailure.IsTransient(failure, stop) && attempt < Attempts)
            {
                await Task.Delay(pauses.Next(), time, stop);
            }
            catch (Exception failure) when (failure is KubeApiException || ApiFailure.IsTransient(failure, stop))
            {
                // A namespace on its way out takes no more events: that is nobody's loss.
                var nobodysLoss = failure.Message.Contains("being terminated", StringComparison.Ordinal);
                if (!nobodysLoss)
                    Interlocked.Increment(ref _lost);
                log.Line(nobodysLoss ? LogLevel.Debug : LogLevel.Warning, $"event is lost: {failure.Message}", ("op", "recordEvent"), ("reason", entry.Reason), ("name", entry.About.Name), ("error", failure.Message));
                return;
            }
        }
    }

    private void LogLoss()
    {
        var lost = Lost;
        if (lost == _lossLogged || time.GetElapsedTime(_lossLoggedAt) < LossInterval)
            return;
        log.Line(LogLevel.Warning, "events were lost: there were more than the API server should be asked to take", ("op", "recordEvent"), ("lost", lost - _lossLogged));
        (_lossLogged, _lossLoggedAt) = (lost, time.GetTimestamp());
    }

    private async Task WriteAsync(Entry entry, CancellationToken stop)
    {
        var now = time.GetUtcNow();
        var ns = entry.About.Namespace.Length > 0 ? entry.About.Namespace : "default";
        var name = NameOf(entry);
        if (!_counts.ContainsKey(name) && await TryCreateAsync(entry, ns, name, now, stop))
            return;
        try
        {
            await RepeatAsync(ns, name, now, stop);
        }
        catch (KubeApiException gone) when (gone.IsNotFound)
        {
            // Events expire; this one starts anew.
            _counts.Remove(name);
            await TryCreateAsync(entry, ns, name, now, stop);
        }
    }

    private async Task<bool> TryCreateAsync(Entry entry, string ns, string name, DateTimeOffset now, CancellationToken stop)
    {
        try
        {
            await client.CreateAsync(Kinds.Events, ns, new Event
            {
                Metadata = new ObjectMeta { Name = name, Namespace = ns },
                InvolvedObject = new ObjectReference { ApiVersion = entry.About.ApiVersion, Kind = entry.About.Kind, Namespace = entry.About.Namespace, Name = entry.About.Name, Uid = entry.About.Uid },
                Reason = entry.Reason,
                Message = entry.Message,
                Type = entry.IsWarning ? "Warning" : "Normal",
                Source = new EventSource { Component = component },
                FirstTimestamp = now,
                LastTimestamp = now,
                Count = 1,
            }, stop);
        }
        catch (KubeApiException exists) when (exists.IsAlreadyExists)
        {
            return false;
        }

        Remember(name, 1);
        return true;
    }

    // Patches only: the role need not be allowed to read events. Where an earlier process counted, the answer says how far.
    private async Task RepeatAsync(string ns, string name, DateTimeOffset now, CancellationToken stop)
    {
        var patch = new JsonObject { ["lastTimestamp"] = now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) };
        if (!_counts.TryGetValue(name, out var count))
            count = (await client.PatchAsync(Kinds.Events, ns, name, PatchKind.Merge, patch.DeepClone(), ct: stop)).Count ?? 1;
        patch["count"] = count + 1;
        await client.PatchAsync(Kinds.Events, ns, name, PatchKind.Merge, patch, ct: stop);
        Remember(name, count + 1);
    }

    private void Remember(string name, int count)
    {
        if (_counts.Count >= Remembered && !_counts.ContainsKey(name))
            _counts.Clear();
        _counts[name] = count;
    }

    private string NameOf(Entry entry)
    {
        var text = string.Join('\n', component, entry.About.Kind, entry.About.Uid, entry.IsWarning ? "Warning" : "Normal", entry.Reason, entry.Message);
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));
        const int longestPrefix = 230;
        var prefix = entry.About.Name.Length > longestPrefix ? entry.About.Name[..longestPrefix].TrimEnd('.', '-') : entry.About.Name;
        return $"{prefix}.{Convert.ToHexStringLower(hash.AsSpan(0, 8))}";
    }

    private sealed record Entry(InvolvedObject About, bool IsWarning, string Reason, string Message);
}
