namespace Portolan.Commands.Import;

/// <summary>How much a notice matters.</summary>
internal enum ImportSeverity
{
    /// <summary>Good to know; nothing is lost.</summary>
    Note,

    /// <summary>Broken or ambiguous in the source: what was made of it is said, and worth a look.</summary>
    Warning,

    /// <summary>Could not be converted, or will not work: the exit code tells it too.</summary>
    Error,
}

/// <summary>Something the reader of the result should know about the source.</summary>
/// <param name="Severity">How much it matters.</param>
/// <param name="Place">Where in the source.</param>
/// <param name="Path">The variable or field, e.g. <c>metallb_config.address_pools.primary.ip_range[1]</c>; empty where it is about all.</param>
/// <param name="Message">What is wrong and what was done.</param>
internal sealed record ImportNotice(ImportSeverity Severity, SourcePlace Place, string Path, string Message)
{
    /// <summary><c>file:line: severity: path: message</c>, which editors understand.</summary>
    public override string ToString() => $"{Place}: {Severity.ToString().ToLowerInvariant()}: {(Path.Length > 0 ? Path + ": " : "")}{Message}";
}

/// <summary>Collects notices: one for each place and message.</summary>
internal sealed class ImportNotices
{
    private readonly List<ImportNotice> _all = [];

    public IReadOnlyList<ImportNotice> All => _all;

    public void Note(SourcePlace place, string path, string message) => Add(ImportSeverity.Note, place, path, message);

    public void Warn(SourcePlace place, string path, string message) => Add(ImportSeverity.Warning, place, path, message);

    public void Error(SourcePlace place, string path, string message) => Add(ImportSeverity.Error, place, path, message);

    private void Add(ImportSeverity severity, SourcePlace place, string path, string message)
    {
        var notice = new ImportNotice(severity, place, path, message);
        if (!_all.Contains(notice))
            _all.Add(notice);
    }
}
