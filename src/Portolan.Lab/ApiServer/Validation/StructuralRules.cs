using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema.Custom;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>What makes a schema structural: every value's type is said outside of logical combinations, which may only narrow it.</summary>
internal static class StructuralRules
{
    private static readonly string[] _combinations = ["allOf", "anyOf", "oneOf"];
    private static readonly string[] _types = ["array", "boolean", "integer", "number", "object", "string"];

    // Inside a combination these would change what the value is rather than narrow it.
    private static readonly string[] _structureOnly =
        ["type", "default", "additionalProperties", "nullable", "title", "description", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string", "x-kubernetes-validations"];

    private static readonly string[] _forbidden = ["$ref", "definitions", "dependencies", "additionalItems", "patternProperties", "id", "$schema"];

    public static void Check(JsonObject schema, string path, ErrorList errors)
    {
        Node(schema, path, isRoot: true, errors);
        if (schema.Str("type") is { Length: > 0 } type and not "object")
            errors.Invalid(path + ".type", type, "must be object at the root");
    }

    private static void Node(JsonObject schema, string path, bool isRoot, ErrorList errors)
    {
        var type = schema.Str("type");
        var intOrString = schema.Flag("x-kubernetes-int-or-string") == true;
        var preserve = schema.Flag("x-kubernetes-preserve-unknown-fields") == true;
        if (type.Length == 0 && !intOrString && !(preserve && !isRoot))
            errors.Required(path + ".type", isRoot ? "must not be empty at the root" : "must not be empty for specified " + Container(path));
        else if (type.Length > 0 && !_types.Contains(type))
            errors.NotSupported(path + ".type", type, _types);
        if (intOrString && type.Length > 0)
            errors.Invalid(path + ".type", type, "must be empty if x-kubernetes-int-or-string is true");
        if (schema.Flag("x-kubernetes-embedded-resource") == true && type != "object")
            errors.Invalid(path + ".type", type, "must be object if x-kubernetes-embedded-resource is true");
        foreach (var name in _forbidden)
        {
            if (schema.ContainsKey(name))
                errors.Forbidden($"{path}.{name}", $"{name} is not supported");
        }

        if (schema.Obj("properties") is not null && schema["additionalProperties"] is not null)
            errors.Forbidden(path + ".additionalProperties", "additionalProperties and properties are mutual exclusive");
        if (type == "array" && schema["items"] is null)
            errors.Required(path + ".items", "must be specified");
        if (schema["items"] is JsonArray)
            errors.Forbidden(path + ".items", "items must be a schema object and not an array");
        if (schema.Flag("uniqueItems") == true)
            errors.Forbidden(path + ".uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
        if (schema.Str("pattern") is { Length: > 0 } pattern && StructuralSchema.TryCompile(pattern) is null)
            errors.Invalid(path + ".pattern", pattern, "must be a valid regular expression");
        CheckListType(schema, path, type, errors);
        CheckDefault(schema, path, errors);

        foreach (var (name, child) in schema.Obj("properties") ?? [])
        {
            if (child is JsonObject body)
                Property(body, $"{path}.properties[{name}]", isRoot && name == "metadata", errors);
        }

        if (schema.Obj("items") is { } items)
            Node(items, path + ".items", isRoot: false, errors);
        if (schema.Obj("additionalProperties") is { } values)
            Node(values, path + ".additionalProperties", isRoot: false, errors);
        CheckCombinations(schema, path, intOrString, errors);
    }

    private static void Property(JsonObject body, string path, bool isObjectMeta, ErrorList errors)
    {
        Node(body, path, isRoot: false, errors);
        if (!isObjectMeta)
            return;
        foreach (var (name, _) in body.Obj("properties") ?? [])
        {
            if (name is not ("name" or "generateName"))
                errors.Forbidden(path, "must not specify anything other than name and generateName, but metadata is implicitly specified");
        }
    }

    private static void CheckListType(JsonObject schema, string path, string type, ErrorList errors)
    {
        var list = schema.Str("x-kubernetes-list-type");
        if (list.Length == 0)
            return;
        if (type != "array")
            errors.Invalid(path + ".type", type, "must be array if x-kubernetes-list-type is specified");
        ValueRules.OneOf(path + ".x-kubernetes-list-type", list, errors, "atomic", "set", "map");
        var keys = schema.Strings("x-kubernetes-list-map-keys", path).ToList();
        if (list != "map")
        {
            if (keys.Count > 0)
                errors.Invalid(path + ".x-kubernetes-list-type", list, "must be map if x-kubernetes-list-map-keys is non-empty");
            return;
        }

        var items = schema.Obj("items");
        if (keys.Count == 0)
            errors.Required(path + ".x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map");
        if (items.Str("type") is { } itemType and not "object")
            errors.Invalid(path + ".items.type", itemType, "must be object if parent array's x-kubernetes-list-type is map");
        var required = items.Strings("required", "").Select(entry => entry.Item).ToHashSet();
        foreach (var (key, at) in keys)
        {
            if (items.Obj("properties").Obj(key) is not { } property)
                errors.Invalid(at, key, "entries must all be names of item properties");
            else if (!required.Contains(key) && property["default"] is null)
                errors.Required($"{path}.items.properties[{key}].default", "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property");
        }
    }

    private static void CheckDefault(JsonObject schema, string path, ErrorList errors)
    {
        if (schema["default"] is not { } preset)
            return;
        var compiled = StructuralSchema.Compile(schema);
        var found = new ErrorList();
        var filled = preset.DeepClone();
        var unknown = new List<string>();
        Pruning.Prune(filled, compiled, "default", unknown);
        if (unknown.Count > 0)
            errors.Invalid(path + ".default", preset, "must not have unknown fields");
        Pruning.Default(filled, compiled);
        SchemaValidator.Validate(filled, compiled, path + ".default", found);
        foreach (var error in found.Errors)
            errors.Add(error.Path, error.Reason, error.Message);
    }

    private static void CheckCombinations(JsonObject schema, string path, bool intOrString, ErrorList errors)
    {
        // The one exception: anyOf [integer, string] is how int-or-string used to be written.
        if (intOrString && schema.List("anyOf") is { Count: 2 } pair && pair.All(part => (part as JsonObject)?.Count == 1 && (part as JsonObject).Str("type") is "integer" or "string"))
            return;
        foreach (var name in _combinations)
        {
            foreach (var (part, at) in schema.Items(name, path))
                Narrowing(part, at, errors);
        }

        if (schema.Obj("not") is { } not)
            Narrowing(not, path + ".not", errors);
    }

    private static void Narrowing(JsonObject part, string path, ErrorList errors)
    {
        foreach (var name in _structureOnly)
        {
            if (part.ContainsKey(name) && !(name == "type" && part.Flag("x-kubernetes-int-or-string") == true))
                errors.Forbidden($"{path}.{name}", name == "type" ? "must be empty to be structural" : "must be undefined to be structural");
        }

        foreach (var (name, child) in part.Obj("properties") ?? [])
        {
            if (child is JsonObject body)
                Narrowing(body, $"{path}.properties[{name}]", errors);
        }

        if (part.Obj("items") is { } items)
            Narrowing(items, path + ".items", errors);
        foreach (var name in _combinations)
        {
            foreach (var (inner, at) in part.Items(name, path))
                Narrowing(inner, at, errors);
        }

        if (part.Obj("not") is { } not)
            Narrowing(not, path + ".not", errors);
    }

    private static string Container(string path) =>
        path.EndsWith(".items", StringComparison.Ordinal) ? "array items"
        : path.EndsWith(".additionalProperties", StringComparison.Ordinal) ? "object additionalProperties" : "object fields";
}
