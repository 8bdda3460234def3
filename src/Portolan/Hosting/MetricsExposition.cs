using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Portolan.Hosting;

/// <summary>
/// Collects the instruments of one meter and renders them as Prometheus text 0.0.4. An instrument's name is the metric's name, unchanged:
/// dashboards written for MetalLB find theirs.
/// </summary>
internal sealed class MetricsExposition : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, Family> _families = new(StringComparer.Ordinal);
    private readonly MeterListener _listener = new();

    public MetricsExposition(Meter meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (!ReferenceEquals(instrument.Meter, meter))
                return;

            // Instruments of one name with different tags are the series of one family. Their labels are made once, not for each measurement.
            lock (_gate)
            {
                if (!_families.TryGetValue(instrument.Name, out var family))
                    _families[instrument.Name] = family = new Family(instrument);
                listener.EnableMeasurementEvents(instrument, new Source(family, Labels([.. instrument.Tags ?? []])));
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, value, tags, source) => Record(source, value, tags));
        _listener.SetMeasurementEventCallback<int>((_, value, tags, source) => Record(source, value, tags));
        _listener.SetMeasurementEventCallback<double>((_, value, tags, source) => Record(source, value, tags));
        _listener.Start();
    }

    public void Dispose() => _listener.Dispose();

    /// <summary>The whole page.</summary>
    public string Render()
    {
        lock (_gate)
        {
            // What an observable instrument no longer reports no longer exists.
            foreach (var family in _families.Values)
                if (family.Instrument.IsObservable)
                    family.Series.Clear();
            _listener.RecordObservableInstruments();

            var page = new StringBuilder();
            foreach (var family in _families.Values)
                family.Render(page);
            return page.ToString();
        }
    }

    private void Record(object? state, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var source = (Source)state!;
        var labels = tags.IsEmpty ? source.Labels : source.Labels.Length == 0 ? Labels(tags) : $"{source.Labels},{Labels(tags)}";
        lock (_gate)
            source.Family.Record(labels, value);
    }

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
            return "";
        var text = new StringBuilder();
        foreach (var (name, value) in tags)
        {
            if (text.Length > 0)
                text.Append(',');
            text.Append(name).Append("=\"");
            foreach (var character in Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")
                _ = character switch
                {
                    '\\' => text.Append(@"\\"),
                    '"' => text.Append("\\\""),
                    '\n' => text.Append(@"\n"),
                    _ => text.Append(character),
                };
            text.Append('"');
        }

        return text.ToString();
    }

    private sealed record Source(Family Family, string Labels);

    private sealed class Family(Instrument instrument)
    {
        private static readonly double[] DefaultBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
        private readonly double[] _bounds = (instrument as Histogram<double>)?.Advice?.HistogramBucketBoundaries?.ToArray() ?? DefaultBounds;
        private readonly string _type = TypeOf(instrument);

        public Instrument Instrument => instrument;

        public SortedDictionary<string, double[]> Series { get; } = new(StringComparer.Ordinal);

        public void Record(string labels, double value)
        {
            if (!Series.TryGetValue(labels, out var cell))
                Series[labels] = cell = new double[_type == "histogram" ? _bounds.Length + 2 : 1];
            if (_type == "histogram")
            {
                // One cell per bucket that the value falls into, then the count, then the sum.
                for (var bucket = 0; bucket < _bounds.Length; bucket++)
                    if (value <= _bounds[bucket])
                        cell[bucket]++;
                cell[^2]++;
                cell[^1] += value;
            }
            else if (instrument.IsObservable || instrument is Gauge<long> or Gauge<int> or Gauge<double>)
                cell[0] = value;
            else
                cell[0] += value;
        }

        public void Render(StringBuilder page)
        {
            if (Series.Count == 0)
                return;
            if (instrument.Description is { Length: > 0 } help)
                page.Append("# HELP ").Append(instrument.Name).Append(' ').Append(help.ReplaceLineEndings(" ")).Append('\n');
            page.Append("# TYPE ").Append(instrument.Name).Append(' ').Append(_type).Append('\n');
            foreach (var (labels, cell) in Series)
                if (_type == "histogram")
                {
                    var comma = labels.Length > 0 ? "," : "";
                    for (var bucket = 0; bucket < _bounds.Length; bucket++)
                        Line(page, "_bucket", $"{labels}{comma}le=\"{Number(_bounds[bucket])}\"", cell[bucket]);
                    Line(page, "_bucket", $"{labels}{comma}le=\"+Inf\"", cell[^2]);
                    Line(page, "_sum", labels, cell[^1]);
                    Line(page, "_count", labels, cell[^2]);
                }
                else
                    Line(page, "", labels, cell[0]);
        }

        private void Line(StringBuilder page, string suffix, string labels, double value)
        {
            page.Append(instrument.Name).Append(suffix);
            if (labels.Length > 0)
                page.Append('{').Append(labels).Append('}');
            page.Append(' ').Append(Number(value)).Append('\n');
        }

        private static string Number(double value) => double.IsPositiveInfinity(value) ? "+Inf" : value.ToString("R", CultureInfo.InvariantCulture);

        private static string TypeOf(Instrument instrument) => instrument switch
        {
            Counter<long> or Counter<int> or Counter<double> or ObservableCounter<long> or ObservableCounter<double> => "counter",
            Histogram<double> or Histogram<long> or Histogram<int> => "histogram",
            _ => "gauge",
        };
    }
}
