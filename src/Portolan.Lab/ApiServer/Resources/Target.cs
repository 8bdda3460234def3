using Portolan.Core.Cluster;
using Portolan.Lab.ApiServer.Admission;
using Portolan.Lab.ApiServer.FieldOwnership;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>What a request is about: a resource in the version the client speaks, a namespace, perhaps a name and a subresource.</summary>
internal sealed record Target(ServedResource Resource, KindSchema Kind, string? Namespace, string? Name, string? Subresource)
{
    public string Storage => Resource.Storage;

    /// <summary>The kind whose rules a write obeys: for custom kinds the version the client speaks, else the stored one.</summary>
    public KindSchema WorkedKind => Kind.IsCustom ? Kind : Resource.StorageKind;

    public ObjectKey Key => new(Namespace ?? "", Name ?? throw ApiErrors.MethodNotAllowed());

    public ApiException NotFound() => ApiErrors.NotFound(Kind, Name ?? "");
}

/// <summary>The query parameters of a write.</summary>
internal sealed record WriteOptions(bool DryRun, FieldValidation Validation, string? FieldManager, bool Force)
{
    /// <summary>Who asks; null when the server itself does.</summary>
    public Caller? By { get; init; }

    /// <summary>A PATCH, apply included.</summary>
    public bool Patch { get; init; }

    /// <summary>The <c>User-Agent</c> header.</summary>
    public string UserAgent { get; init; } = "";

    /// <summary>The subresource that managedFields name when it is not the target's own.</summary>
    public string? ManagedAs { get; init; }

    /// <summary>What managedFields call the writer: what it calls itself, or its program.</summary>
    public string Manager => FieldManager is { Length: > 0 } ? FieldManager : ManagerName.OfProgram(UserAgent);

    /// <summary>What to tell the client in <c>Warning</c> headers.</summary>
    public List<string> Warnings { get; } = [];
}

/// <summary>How unknown and duplicate fields are met.</summary>
internal enum FieldValidation
{
    Ignore,
    Warn,
    Strict,
}
