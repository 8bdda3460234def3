using System.Text.Json.Nodes;

namespace Portolan.Commands.Import;

/// <summary>What a conversion gave.</summary>
/// <param name="Objects">In the order in which they can be applied.</param>
/// <param name="HelmValues">What is no object but belongs into the values of the chart: scheduling, log level, class.</param>
/// <param name="Notices">What to know about it.</param>
internal sealed record ImportResult(IReadOnlyList<JsonObject> Objects, JsonObject HelmValues, IReadOnlyList<ImportNotice> Notices)
{
    public bool HasErrors => Notices.Any(notice => notice.Severity is ImportSeverity.Error);
}
