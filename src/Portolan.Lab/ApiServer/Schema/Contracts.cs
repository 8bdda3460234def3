using System.Text.Json;
using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>The <c>reason</c> of a cause in a <c>Status</c>; the names are what goes over the wire.</summary>
internal enum FieldErrorReason
{
    FieldValueInvalid,
    FieldValueRequired,
    FieldValueDuplicate,
    FieldValueNotSupported,
    FieldValueForbidden,
    FieldValueNotFound,
    FieldValueTooLong,
    FieldValueTooMany,
    FieldValueTypeInvalid,
}

/// <summary>One broken rule of an object.</summary>
/// <param name="Path">The field, as kubectl users know it: <c>spec.ports[0].nodePort</c>.</param>
/// <param name="Reason">The kind of breach.</param>
/// <param name="Message">Everything after the path: <c>Invalid value: 31313: provided port is already allocated</c>.</param>
internal readonly record struct FieldError(string Path, FieldErrorReason Reason, string Message);

/// <summary>What came of reading a request body as a kind.</summary>
/// <param name="Failure">
/// Why the body cannot be this kind at all (a wrong JSON type in a built-in kind), the text after
/// <c>Service in version "v1" cannot be handled as a Service: </c>; null when it can. Answered with 400 whatever fieldValidation says.
/// </param>
/// <param name="Problems">
/// What strict decoding objects to, e.g. <c>unknown field "spec.foo"</c>: refused under Strict (joined after <c>strict decoding error: </c>),
/// sent as warnings under Warn, dropped under Ignore. (Duplicate fields are found earlier, by the body's parser.)
/// </param>
internal readonly record struct DecodeOutcome(string? Failure, IReadOnlyList<string> Problems);

/// <summary>A column of a <c>meta.k8s.io/v1 Table</c>. Priority 0 is always shown, higher ones with <c>-o wide</c>.</summary>
internal sealed record TableColumn(string Name, string Type = "string", string Format = "", string Description = "", int Priority = 0);

/// <summary>Where a kind keeps what <c>/scale</c> shows: JSON paths such as <c>.spec.replicas</c>; the selector is optional.</summary>
internal sealed record ScalePaths(string SpecReplicas, string StatusReplicas, string? LabelSelector);

/// <summary>
/// One served kind in one version. Instances are immutable and used by many requests at once.
/// The order on a write is: <see cref="Decode"/>, <see cref="Default"/>, the server's own defaults and allocations (metadata, clusterIP, nodePort,
/// service-account volume …), then <see cref="ValidateCreate"/> or <see cref="ValidateUpdate"/>. A patch runs the same steps on its result.
/// </summary>
internal abstract class KindSchema
{
    /// <summary>Empty for the core group.</summary>
    public required string Group { get; init; }

    public required string Version { get; init; }
    public required string Kind { get; init; }
    public string ListKind { get => field ?? Kind + "List"; init; }

    /// <summary>The path segment: <c>services</c>.</summary>
    public required string Plural { get; init; }

    public required string Singular { get; init; }
    public IReadOnlyList<string> ShortNames { get; init; } = [];

    /// <summary><c>all</c> for what <c>kubectl get all</c> lists.</summary>
    public IReadOnlyList<string> Categories { get; init; } = [];

    public required bool Namespaced { get; init; }

    /// <summary>Subresource names the server routes: status, scale, binding, eviction, log, exec, attach, token, finalize.</summary>
    public IReadOnlyList<string> Subresources { get; init; } = [];

    /// <summary>Set when the kind has <c>/scale</c>.</summary>
    public ScalePaths? Scale { get; init; }

    /// <summary>
    /// Whether metadata.generation is kept (1 on create, one more whenever something outside metadata and status changes).
    /// Real servers do so for the apps and discovery groups, Services' and Nodes' exceptions included by the catalogue, and for every custom resource.
    /// </summary>
    public bool TracksGeneration { get; init; }

    /// <summary>False for a version that objects may be stored in, but that nobody can ask for.</summary>
    public bool Served { get; init; } = true;

    /// <summary>What whoever asks for this version is told; null where it is not deprecated.</summary>
    public string? DeprecationWarning { get; init; }

    /// <summary>True for a kind that a CustomResourceDefinition made.</summary>
    public bool IsCustom { get; init; }

    /// <summary><c>v1</c>, <c>apps/v1</c>.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    public bool HasStatus => Subresources.Contains("status");

    /// <summary>
    /// Checks the body against the kind and brings it into form in place: null members that mean "absent" removed, unknown fields removed
    /// (pruned; for CRDs unless preserved). <c>apiVersion</c>, <c>kind</c> and <c>metadata</c> (ObjectMeta) are checked too.
    /// </summary>
    public abstract DecodeOutcome Decode(JsonObject body);

    /// <summary>Fills in static defaults (a Service's protocol, targetPort, sessionAffinity; a Pod's restartPolicy; a CRD's schema defaults). Idempotent.</summary>
    public abstract void Default(JsonObject obj);

    /// <summary>Everything wrong with a new object, in field order; empty when it may be stored. Metadata names, labels and annotations included.</summary>
    public abstract IReadOnlyList<FieldError> ValidateCreate(JsonObject obj);

    /// <summary>Everything wrong with replacing <paramref name="old"/>, immutable fields included.</summary>
    /// <param name="obj">The object to be stored.</param>
    /// <param name="old">What is stored now.</param>
    /// <param name="subresource">Null for the object itself, <c>status</c> …</param>
    public abstract IReadOnlyList<FieldError> ValidateUpdate(JsonObject obj, JsonObject old, string? subresource);

    /// <summary>False for custom kinds: the server then answers 415.</summary>
    public virtual bool SupportsStrategicMerge => !IsCustom;

    /// <summary>A new object: <paramref name="original"/> with a strategic merge patch applied ($patch, $setElementOrder, $deleteFromPrimitiveList, merge keys).</summary>
    /// <exception cref="FormatException">The patch makes no sense; the message goes to the user with 400 (or 422 as a real server).</exception>
    public abstract JsonObject StrategicMerge(JsonObject original, JsonObject patch);

    /// <summary>Which parts of an object are owned one by one: what server-side apply and managedFields go by.</summary>
    public abstract ValueStructure Structure { get; }

    /// <summary>The columns of the server-side table; the first is Name, the last of priority 0 usually Age.</summary>
    public abstract IReadOnlyList<TableColumn> Columns { get; }

    /// <summary>Writes exactly one JSON value per column (the caller writes the array's brackets).</summary>
    public abstract void WriteCells(JsonElement obj, Utf8JsonWriter cells, DateTimeOffset now);
}

/// <summary>All the schema knowledge the server asks for; no state of its own.</summary>
internal interface ISchemaCatalogue
{
    /// <summary>
    /// Every built-in kind. Version order within a group is the order of preference. Kinds that share storage (events.k8s.io/v1 Event with core Event)
    /// are listed here as kinds of their own; the server knows which share.
    /// </summary>
    IReadOnlyList<KindSchema> BuiltIn { get; }

    /// <summary>Kinds that only travel as bodies: Binding, Scale, Eviction, TokenRequest, DeleteOptions, Status.</summary>
    IReadOnlyList<KindSchema> BodiesOnly { get; }

    /// <summary>
    /// The kinds a CustomResourceDefinition makes, one per version, in the CRD's order of preference (empty when it is not well-formed).
    /// A CRD that passed its own <see cref="KindSchema.ValidateCreate"/> (which checks that its schemas are structural) compiles.
    /// </summary>
    IReadOnlyList<KindSchema> Compile(JsonObject crd);

    /// <summary>
    /// The OpenAPI v3 document (UTF-8 JSON) of one group-version: schemas with x-kubernetes-group-version-kind, and paths whose PATCH and POST operations
    /// carry x-kubernetes-group-version-kind and the fieldValidation and dryRun query parameters (kubectl looks for them).
    /// </summary>
    byte[] OpenApiV3(string group, string version, IReadOnlyList<KindSchema> kinds);
}
