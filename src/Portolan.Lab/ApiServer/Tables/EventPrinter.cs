using System.Text.Json;

namespace Portolan.Lab.ApiServer.Tables;

/// <summary>Rows of events, in their core and in their events.k8s.io form.</summary>
internal static class EventPrinter
{
    public static RowPrinter Core { get; } = Make(
        e => e.At("involvedObject"), e => e.At("source"), e => e.At("message").Str(), e => e.At("firstTimestamp"), e => e.At("lastTimestamp"), e => e.At("count").Int());

    public static RowPrinter Events { get; } = Make(
        e => e.At("regarding"), e => e.At("deprecatedSource"), e => e.At("note").Str(), e => e.At("deprecatedFirstTimestamp"), e => e.At("deprecatedLastTimestamp"),
        e => e.At("deprecatedCount").Int());

    private static RowPrinter Make(
        Func<JsonElement, JsonElement> regarding, Func<JsonElement, JsonElement> source, Func<JsonElement, string> message,
        Func<JsonElement, JsonElement> first, Func<JsonElement, JsonElement> last, Func<JsonElement, long> count) => new(
        [
            RowPrinter.Column("Last Seen"), RowPrinter.Column("Type"), RowPrinter.Column("Reason"), RowPrinter.Column("Object"), RowPrinter.Wide("Subobject"),
            RowPrinter.Wide("Source"), RowPrinter.Column("Message"), RowPrinter.Wide("First Seen"), RowPrinter.Wide("Count"), RowPrinter.Wide("Name"),
        ],
        (e, cells) =>
        {
            // Old events have timestamps and a count; new ones have one time, and a series once they repeat.
            var series = e.At("series");
            var firstSeen = first(e).Exists() ? first(e) : e.At("eventTime");
            var lastSeen = series.Exists() ? series.At("lastObservedTime") : last(e).Exists() ? last(e) : firstSeen;
            var target = regarding(e);
            var kind = target.At("kind").Str().ToLowerInvariant();
            var name = target.At("name").Str();
            cells.Text(cells.Since(lastSeen));
            cells.Text(e.At("type").Str());
            cells.Text(e.At("reason").Str());
            cells.Text(name.Length > 0 ? $"{kind}/{name}" : kind);
            cells.Text(target.At("fieldPath").Str());
            cells.Text(Source(e, source(e)));
            cells.Text(message(e).Trim());
            cells.Text(cells.Since(firstSeen));
            cells.Number(series.Exists() ? series.At("count").Int() : Math.Max(count(e), 1));
            cells.Text(e.Name());
        });

    private static string Source(JsonElement e, JsonElement source)
    {
        var component = source.At("component").Str();
        if (component.Length == 0)
            component = e.At("reportingComponent").Str() is { Length: > 0 } reporting ? reporting : e.At("reportingController").Str();
        var host = source.At("host").Str();
        if (host.Length == 0)
            host = e.At("reportingInstance").Str();
        return host.Length == 0 ? component : $"{component}, {host}";
    }
}
