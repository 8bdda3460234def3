using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;

namespace Portolan.Lab.ApiServer.Admission;

/// <summary>What a request does, as webhook rules name it.</summary>
internal enum AdmissionOperation
{
    Create,
    Update,
    Delete,
    Connect,
}

/// <summary>One thing that a request asks for, before it is decided: the <c>request</c> of an AdmissionReview, in the version the client speaks.</summary>
internal sealed record AdmissionRequest(AdmissionOperation Operation, Target Target, Caller Caller)
{
    /// <summary>The kind of <see cref="Object"/>, where it is not the resource's own: Scale, Eviction, PodExecOptions …</summary>
    public (string Group, string Version, string Kind)? BodyKind { get; init; }

    public JsonObject? Object { get; init; }

    public JsonObject? OldObject { get; init; }

    public bool DryRun { get; init; }

    /// <summary>The Create-, Update-, Patch- or DeleteOptions; null for what has none.</summary>
    public JsonObject? Options { get; init; }

    /// <summary>Empty as long as the name is still to be generated.</summary>
    public string Name => Target.Name ?? (Object?["metadata"] as JsonObject).Text("name") ?? "";

    /// <summary>A Namespace lies in itself, as real servers have it.</summary>
    public string Namespace => Target.Storage == "namespaces" ? Name : Target.Namespace ?? "";

    public static AdmissionRequest Create(Target target, Caller caller, WriteOptions options, JsonObject obj) =>
        new(AdmissionOperation.Create, target, caller) { Object = obj, DryRun = options.DryRun, Options = Write("CreateOptions", options) };

    public static AdmissionRequest Update(Target target, Caller caller, WriteOptions options, JsonObject obj, JsonObject old) =>
        new(AdmissionOperation.Update, target, caller) { Object = obj, OldObject = old, DryRun = options.DryRun, Options = Write(options.Patch ? "PatchOptions" : "UpdateOptions", options) };

    public static AdmissionRequest Delete(Target target, Caller caller, DeleteOptions options, JsonObject old)
    {
        var said = Said("DeleteOptions", options.DryRun);
        if (options.GracePeriodSeconds is { } grace) said["gracePeriodSeconds"] = grace;
        if (options.PropagationPolicy is { } policy) said["propagationPolicy"] = policy;
        if (options.Uid is not null || options.ResourceVersion is not null)
        {
            var preconditions = new JsonObject();
            if (options.Uid is { } uid) preconditions["uid"] = uid;
            if (options.ResourceVersion is { } version) preconditions["resourceVersion"] = version;
            said["preconditions"] = preconditions;
        }

        return new(AdmissionOperation.Delete, target, caller) { OldObject = old, DryRun = options.DryRun, Options = said };
    }

    private static JsonObject Write(string kind, WriteOptions options)
    {
        var said = Said(kind, options.DryRun);
        if (options.Patch && options.Force) said["force"] = true;
        if (options.FieldManager is { Length: > 0 } manager) said["fieldManager"] = manager;
        if (options.Validation != FieldValidation.Warn) said["fieldValidation"] = options.Validation.ToString();
        return said;
    }

    private static JsonObject Said(string kind, bool dryRun)
    {
        var said = new JsonObject { ["kind"] = kind, ["apiVersion"] = "meta.k8s.io/v1" };
        if (dryRun) said["dryRun"] = JsonText.Strings(["All"]);
        return said;
    }
}
