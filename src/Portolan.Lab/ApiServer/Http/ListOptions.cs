using System.Globalization;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>The query of a list, a watch or a deletion of a collection (<c>meta.k8s.io ListOptions</c>), read and judged as a real server does.</summary>
internal sealed record ListOptions
{
    private const string NotOlderThan = "NotOlderThan";
    private const string Exact = "Exact";

    private ListOptions(IReadOnlyDictionary<string, string> query, Target target)
    {
        Labels = LabelSelector.Parse(query.GetValueOrDefault("labelSelector"));
        Fields = FieldSelector.Parse(query.GetValueOrDefault("fieldSelector"), target.Kind, target.Storage);
        Limit = Whole(query, "limit") is > 0 and var limit ? limit : null;
        Timeout = Whole(query, "timeoutSeconds") is > 0 and var seconds ? TimeSpan.FromSeconds(Math.Min(seconds, int.MaxValue / 1000)) : null;
        Continue = query.GetValueOrDefault("continue") ?? "";
        Version = query.GetValueOrDefault("resourceVersion") ?? "";
        Match = query.GetValueOrDefault("resourceVersionMatch") ?? "";
        Bookmarks = Flag(query, "allowWatchBookmarks") == true;
        InitialEvents = Flag(query, "sendInitialEvents");
    }

    public LabelSelector Labels { get; }
    public FieldSelector Fields { get; }

    /// <summary>How many objects a page may have, null for all.</summary>
    public long? Limit { get; }

    /// <summary>How long a watch may last, null when the client leaves that to the server.</summary>
    public TimeSpan? Timeout { get; }

    /// <summary>The token a page ended with, empty for a first page.</summary>
    public string Continue { get; }

    public bool Bookmarks { get; }

    /// <summary><c>sendInitialEvents</c>: true for a list in the form of a watch, false for a watch without what is there, null for what the revision implies.</summary>
    public bool? InitialEvents { get; }

    /// <summary>The revision named, null when none or 0 ("any") is.</summary>
    public long? Revision { get; private init; }

    /// <summary>The list as it was at <see cref="Revision"/>, rather than one that is not older.</summary>
    public bool AtRevision => Revision is not null && (Match == Exact || (Match.Length == 0 && Limit is not null));

    public bool Matches(StoredObject obj) => (Fields.IsEmpty || Fields.Matches(obj)) && (Labels.IsEmpty || Labels.Matches(obj));

    private string Version { get; }
    private string Match { get; }

    /// <exception cref="ApiException">400 or 422, as for the same query to a real server.</exception>
    public static ListOptions Parse(IReadOnlyDictionary<string, string> query, Target target, bool watch)
    {
        var options = new ListOptions(query, target);
        var errors = watch ? options.WatchErrors() : options.ListErrors();
        if (errors.Count > 0) throw ApiErrors.Invalid("meta.k8s.io", "ListOptions", "", errors);
        if (!watch && options.Continue.Length > 0 && options.Version is not ("" or "0"))
            throw ApiErrors.BadRequest("specifying resource version is not allowed when using continue");
        return options with { Revision = ParseRevision(options.Version) };
    }

    /// <summary>Flags in a query are true unless they say otherwise.</summary>
    public static bool? Flag(IReadOnlyDictionary<string, string> query, string name) =>
        query.TryGetValue(name, out var text) ? !(text == "0" || text.Equals("false", StringComparison.OrdinalIgnoreCase)) : null;

    private List<FieldError> ListErrors()
    {
        var errors = new List<FieldError>();
        if (Match.Length > 0)
        {
            if (Version.Length == 0) errors.Add(Forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided"));
            if (Continue.Length > 0) errors.Add(Forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided"));
            if (Match is not (Exact or NotOlderThan)) errors.Add(NoSuchMatch($"\"{Exact}\", \"{NotOlderThan}\""));
            if (Match == Exact && Version == "0") errors.Add(Forbidden("resourceVersionMatch", "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
        }

        if (InitialEvents is not null) errors.Add(Forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        return errors;
    }

    private List<FieldError> WatchErrors()
    {
        var errors = new List<FieldError>();
        if (InitialEvents is not null && Match != NotOlderThan)
            errors.Add(Forbidden("resourceVersionMatch", $"sendInitialEvents requires setting resourceVersionMatch to {NotOlderThan}"));
        if (Match.Length == 0) return errors;
        if (InitialEvents is null) errors.Add(Forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
        if (Match != NotOlderThan) errors.Add(NoSuchMatch($"\"{NotOlderThan}\""));
        if (Continue.Length > 0) errors.Add(Forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided"));
        return errors;
    }

    private FieldError NoSuchMatch(string supported) =>
        new("resourceVersionMatch", FieldErrorReason.FieldValueNotSupported, $"Unsupported value: \"{Match}\": supported values: {supported}");

    private static FieldError Forbidden(string path, string why) => new(path, FieldErrorReason.FieldValueForbidden, $"Forbidden: {why}");

    private static long? ParseRevision(string text)
    {
        if (text is "" or "0") return null;
        if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var revision) && revision <= long.MaxValue) return revision == 0 ? null : (long)revision;
        throw ApiErrors.BadRequest($"resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax");
    }

    private static long? Whole(IReadOnlyDictionary<string, string> query, string name)
    {
        if (!query.TryGetValue(name, out var text) || text.Length == 0) return null;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)) return whole;
        throw ApiErrors.BadRequest($"{name}: strconv.ParseInt: parsing \"{text}\": invalid syntax");
    }
}
