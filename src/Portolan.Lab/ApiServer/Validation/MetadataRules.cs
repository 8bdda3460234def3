using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>The rules every object's metadata obeys.</summary>
internal static class MetadataRules
{
    // All keys and values of the annotations together.
    private const int MaxAnnotationBytes = 256 * 1024;

    public static void Check(JsonObject obj, bool namespaced, Func<string, IEnumerable<string>> nameRule, ErrorList errors)
    {
        var metadata = obj.Obj("metadata");
        CheckName(metadata, nameRule, errors);
        var ns = metadata.Str("namespace");
        if (namespaced)
        {
            if (ns.Length == 0)
                errors.Required("metadata.namespace");
            else
                CheckEach("metadata.namespace", ns, NameRules.DnsLabel, errors);
        }
        else if (ns.Length > 0)
            errors.Forbidden("metadata.namespace", "not allowed on this type");

        CheckLabels(metadata.Obj("labels"), "metadata.labels", errors);
        CheckAnnotations(metadata.Obj("annotations"), "metadata.annotations", errors);
        foreach (var (owner, path) in metadata.Items("ownerReferences", "metadata"))
        {
            if (owner.Str("apiVersion").Length == 0)
                errors.Invalid(path + ".apiVersion", "", "version must not be empty");
            if (owner.Str("kind").Length == 0)
                errors.Invalid(path + ".kind", "", "must not be empty");
            if (owner.Str("name").Length == 0)
                errors.Invalid(path + ".name", "", "must not be empty");
            if (owner.Str("uid").Length == 0)
                errors.Invalid(path + ".uid", "", "must not be empty");
        }

        if (metadata.Items("ownerReferences", "metadata").Count(owner => owner.Item.Flag("controller") == true) > 1)
            errors.Invalid("metadata.ownerReferences", metadata.List("ownerReferences"), "Only one reference can have Controller set to true.");
        foreach (var (finalizer, _) in metadata.Strings("finalizers", "metadata"))
            CheckEach("metadata.finalizers", finalizer, NameRules.QualifiedName, errors);
    }

    /// <summary>What of the metadata never changes once an object is stored.</summary>
    public static void CheckChange(JsonObject obj, JsonObject old, ErrorList errors)
    {
        foreach (var name in (ReadOnlySpan<string>)["name", "namespace", "uid", "creationTimestamp"])
        {
            var value = obj.Obj("metadata").Str(name);
            if (value != old.Obj("metadata").Str(name))
                errors.Invalid($"metadata.{name}", value, "field is immutable");
        }
    }

    public static void CheckLabels(JsonObject? labels, string path, ErrorList errors)
    {
        if (labels is null)
            return;
        foreach (var (key, value) in labels)
        {
            CheckEach(path, key, NameRules.QualifiedName, errors);
            CheckEach(path, Scalars.AsString(value) ?? "", NameRules.LabelValue, errors);
        }
    }

    public static void CheckAnnotations(JsonObject? annotations, string path, ErrorList errors)
    {
        if (annotations is null)
            return;
        var size = 0;
        foreach (var (key, value) in annotations)
        {
            // Annotation keys may be upper case in the prefix as well.
            CheckEach(path, key, text => NameRules.QualifiedName(text.ToLowerInvariant()), errors);
            size += key.Length + (Scalars.AsString(value)?.Length ?? 0);
        }

        if (size > MaxAnnotationBytes)
            errors.TooLong(path, MaxAnnotationBytes);
    }

    public static void CheckEach(string path, string value, Func<string, IEnumerable<string>> rule, ErrorList errors)
    {
        foreach (var problem in rule(value))
            errors.Invalid(path, value, problem);
    }

    private static void CheckName(JsonObject? metadata, Func<string, IEnumerable<string>> nameRule, ErrorList errors)
    {
        var name = metadata.Str("name");
        var prefix = metadata.Str("generateName");
        if (name.Length == 0 && prefix.Length > 0)
        {
            // A prefix may end where a name may not.
            CheckEach("metadata.generateName", prefix, text => nameRule(text.TrimEnd('-') is { Length: > 0 } stem ? stem : text), errors);
            return;
        }

        if (name.Length == 0)
            errors.Required("metadata.name", "name or generateName is required");
        else
            CheckEach("metadata.name", name, nameRule, errors);
    }
}
