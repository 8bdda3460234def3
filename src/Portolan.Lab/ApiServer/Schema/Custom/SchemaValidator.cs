using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema.Custom.Rules;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Schema.Custom;

/// <summary>Checks a custom object against its schema, with the sentences a real server prints for each breach.</summary>
internal static class SchemaValidator
{
    /// <param name="value">What is to be stored.</param>
    /// <param name="schema">What it must be like.</param>
    /// <param name="path">Where it is.</param>
    /// <param name="errors">Receives what is wrong.</param>
    /// <param name="place">
    /// What it was before. A value that stays as it is may go on breaking a rule of its own, or nothing else of an object could be changed after its
    /// definition got stricter; required fields, list keys and logical combinations are always held to.
    /// </param>
    public static void Validate(JsonNode? value, StructuralSchema schema, string path, ErrorList errors, Correlation? place = null)
    {
        if (value is null)
        {
            if (!schema.Nullable && (schema.Type.Length > 0 || schema.IntOrString))
                WrongType(path, value, schema.IntOrString ? "integer,string" : schema.Type, errors);
            return;
        }

        var own = place?.IsUnchanged == true ? new ErrorList() : errors;
        if (!CheckType(value, schema, path, own))
            return;
        if (schema.Enum is { } allowed && !allowed.Any(entry => SameValue(entry, value)))
            own.NotSupported(Shown(path), value, allowed.Select(entry => Scalars.AsString(entry) ?? ErrorList.Show(entry)));
        switch (value)
        {
            case JsonObject body:
                CheckObject(body, schema, path, errors, own, place);
                break;
            case JsonArray list:
                CheckList(list, schema, path, errors, own, place);
                break;
            default:
                if (Scalars.AsString(value) is { } text)
                    CheckString(text, schema, path, own);
                else if (Scalars.AsDouble(value) is { } number)
                    CheckNumber(number, value, schema, path, own);
                break;
        }

        CheckCombinations(value, schema, path, errors);
    }

    private static bool CheckType(JsonNode value, StructuralSchema schema, string path, ErrorList errors)
    {
        var found = TypeOf(value);
        if (schema.IntOrString)
        {
            if (found is "integer" or "string")
                return true;
            WrongType(path, value, "integer,string", errors);
            return false;
        }

        if (schema.Type.Length == 0 || schema.Type == found || (schema.Type == "number" && found == "integer"))
            return true;
        WrongType(path, value, schema.Type, errors);
        return false;
    }

    private static void WrongType(string path, JsonNode? value, string expected, ErrorList errors)
    {
        var found = TypeOf(value);
        errors.TypeInvalid(Shown(path), found, $"{path} in body must be of type {expected}: \"{found}\"");
    }

    private static string TypeOf(JsonNode? value) => value is null ? "null" : value.GetValueKind() switch
    {
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => "string",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.Number => Scalars.AsDouble(value) is { } number && Math.Floor(number) == number ? "integer" : "number",
        _ => "null",
    };

    private static void CheckObject(JsonObject body, StructuralSchema schema, string path, ErrorList errors, ErrorList own, Correlation? place)
    {
        foreach (var name in schema.Required)
        {
            if (!body.ContainsKey(name))
                errors.Required(Join(path, name));
        }

        if (body.Count < schema.MinProperties)
            own.Invalid(Shown(path), body, $"{path} in body should have at least {schema.MinProperties} properties");
        if (body.Count > schema.MaxProperties)
            own.TooMany(Shown(path), body.Count, (int)schema.MaxProperties.Value);
        foreach (var (name, member) in body)
        {
            // The server itself answers for these at the root and inside embedded objects.
            if (path.Length == 0 && name is "apiVersion" or "kind" or "metadata")
                continue;
            var child = schema.Properties.GetValueOrDefault(name) ?? schema.Values;
            if (child is not null)
                Validate(member, child, Join(path, name), errors, member is null ? null : place?.Member(name, member));
        }

        if (schema.Embedded)
        {
            foreach (var name in (string[])["apiVersion", "kind"])
            {
                if (body.Str(name).Length == 0)
                    errors.Required(Join(path, name), "must not be empty");
            }
        }
    }

    private static void CheckList(JsonArray list, StructuralSchema schema, string path, ErrorList errors, ErrorList own, Correlation? place)
    {
        if (list.Count < schema.MinItems)
            own.Invalid(Shown(path), list.Count, $"{path} in body should have at least {schema.MinItems} items");
        if (list.Count > schema.MaxItems)
            own.TooMany(Shown(path), list.Count, (int)schema.MaxItems.Value);
        if (schema.UniqueItems && HasDuplicates(list))
            own.Invalid(Shown(path), "", $"{path} in body shouldn't contain duplicates");
        for (var i = 0; i < list.Count && schema.Items is not null; i++)
            Validate(list[i], schema.Items, string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"), errors, list[i] is { } item ? place?.Item(item, schema) : null);
        CheckListKeys(list, schema, path, errors);
    }

    private static void CheckListKeys(JsonArray list, StructuralSchema schema, string path, ErrorList errors)
    {
        if (schema.List == ListKind.Atomic)
            return;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < list.Count; i++)
        {
            var identity = list[i];
            if (schema.List == ListKind.Map)
            {
                var keys = new JsonObject();
                foreach (var key in schema.ListKeys)
                {
                    if ((list[i] as JsonObject)?[key] is { } value)
                        keys[key] = value.DeepClone();
                }

                identity = keys;
            }

            if (!seen.Add(ErrorList.Show(identity)))
                errors.Duplicate(string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"), identity);
        }
    }

    private static void CheckString(string text, StructuralSchema schema, string path, ErrorList errors)
    {
        var length = schema.MinLength is null && schema.MaxLength is null ? 0 : text.EnumerateRunes().Count();
        if (length < schema.MinLength)
            errors.Invalid(Shown(path), text, $"{path} in body should be at least {schema.MinLength} chars long");
        if (length > schema.MaxLength)
            errors.TooLong(Shown(path), (int)schema.MaxLength.Value);
        if (schema.Matcher?.IsMatch(text) == false)
            errors.Invalid(Shown(path), text, $"{path} in body should match '{schema.Pattern}'");
        if (schema.Format.Length > 0 && !Formats.Matches(schema.Format, text))
            errors.TypeInvalid(Shown(path), text, $"{path} in body must be of type {schema.Format}: \"{text}\"");
    }

    private static void CheckNumber(double number, JsonNode value, StructuralSchema schema, string path, ErrorList errors)
    {
        if (schema.Minimum is { } least && (schema.ExclusiveMinimum ? number <= least : number < least))
            errors.Invalid(Shown(path), value, $"{path} in body should be greater than {(schema.ExclusiveMinimum ? "" : "or equal to ")}{Text(least)}");
        if (schema.Maximum is { } most && (schema.ExclusiveMaximum ? number >= most : number > most))
            errors.Invalid(Shown(path), value, $"{path} in body should be less than {(schema.ExclusiveMaximum ? "" : "or equal to ")}{Text(most)}");
        if (schema.MultipleOf is { } factor and > 0 && Math.Abs((number / factor) - Math.Round(number / factor)) > 1e-9)
            errors.Invalid(Shown(path), value, $"{path} in body should be a multiple of {Text(factor)}");
        if (schema.Type == "integer" && schema.Format == "int32" && number is < int.MinValue or > int.MaxValue)
            errors.Invalid(Shown(path), value, $"Checked value must be of type integer with format int32 in {path}");
    }

    private static void CheckCombinations(JsonNode value, StructuralSchema schema, string path, ErrorList errors)
    {
        if (schema.AllOf.Count > 0)
        {
            var failures = schema.AllOf.SelectMany(part => Errors(value, part, path)).ToList();
            if (failures.Count > 0)
                errors.Invalid(Shown(path), "", $"\"{path}\" must validate all the schemas (allOf)");
            Add(failures, errors);
        }

        if (schema.AnyOf.Count > 0)
        {
            var tries = schema.AnyOf.Select(part => Errors(value, part, path)).ToList();
            if (tries.TrueForAll(failures => failures.Count > 0))
            {
                errors.Invalid(Shown(path), "", $"\"{path}\" must validate at least one schema (anyOf)");
                Add(tries.MinBy(failures => failures.Count)!, errors);
            }
        }

        if (schema.OneOf.Count > 0)
        {
            var tries = schema.OneOf.Select(part => Errors(value, part, path)).ToList();
            var valid = tries.Count(failures => failures.Count == 0);
            if (valid != 1)
            {
                var found = valid == 0 ? "Found none valid" : string.Create(CultureInfo.InvariantCulture, $"Found {valid} valid alternatives");
                errors.Invalid(Shown(path), "", $"\"{path}\" must validate one and only one schema (oneOf). {found}");
                if (valid == 0)
                    Add(tries.MinBy(failures => failures.Count)!, errors);
            }
        }

        if (schema.Not is not null && Errors(value, schema.Not, path).Count == 0)
            errors.Invalid(Shown(path), "", $"\"{path}\" must not validate the schema (not)");
    }

    private static IReadOnlyList<FieldError> Errors(JsonNode value, StructuralSchema schema, string path)
    {
        var errors = new ErrorList();
        Validate(value, schema, path, errors);
        return errors.Errors;
    }

    private static void Add(IEnumerable<FieldError> failures, ErrorList errors)
    {
        foreach (var failure in failures)
            errors.Add(failure.Path, failure.Reason, failure.Message);
    }

    private static bool HasDuplicates(JsonArray list)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        return !list.All(item => seen.Add(ErrorList.Show(item)));
    }

    private static bool SameValue(JsonNode? a, JsonNode? b) =>
        JsonNode.DeepEquals(a, b) || (Scalars.AsDouble(a) is { } x && Scalars.AsDouble(b) is { } y && x.Equals(y));

    private static string Text(double number) => number.ToString("R", CultureInfo.InvariantCulture);

    private static string Shown(string path) => path.Length == 0 ? "<nil>" : path;

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";
}
