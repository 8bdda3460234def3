using System.Reflection;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>Every built-in type, read once from the embedded <c>types.txt</c> (the format is described at its top).</summary>
internal sealed class TypeLibrary
{
    private readonly Dictionary<string, TypeDefinition> _types = new(StringComparer.Ordinal);

    private TypeLibrary()
    {
    }

    public static TypeLibrary Instance { get; } = Load();

    public IEnumerable<TypeDefinition> All => _types.Values;

    /// <param name="name">Package and name: <c>core/v1.Service</c>.</param>
    public TypeDefinition Get(string name) => _types.TryGetValue(name, out var type) ? type : throw new InvalidOperationException($"types.txt has no {name}.");

    private static TypeLibrary Load()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("Kubernetes.types.txt")
            ?? throw new InvalidOperationException("types.txt is not embedded.");
        using var reader = new StreamReader(stream);
        var library = new TypeLibrary();
        string package = "", name = "";
        var isObject = false;
        var fields = new List<FieldDefinition>();
        while (reader.ReadLine() is { } line)
        {
            if (line.Length == 0 || line[0] == '#')
                continue;
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (line[0] == ' ')
            {
                fields.Add(ParseField(package, words));
                continue;
            }

            library.Add(package, name, isObject, fields);
            fields = [];
            name = "";
            if (words[0] == "package")
                package = words[1];
            else
                (name, isObject) = (words[1], words.Length > 2);
        }

        library.Add(package, name, isObject, fields);
        foreach (var field in library._types.Values.SelectMany(type => type.Fields))
            field.Type.Resolve(library.Get);
        return library;
    }

    private void Add(string package, string name, bool isObject, List<FieldDefinition> fields)
    {
        if (name.Length > 0)
            _types.Add($"{package}.{name}", new TypeDefinition(package, name, isObject, fields));
    }

    private static FieldDefinition ParseField(string package, string[] words)
    {
        var required = words[0].EndsWith('!');
        int[] numbers = [];
        var list = ListKind.Atomic;
        string[] listKeys = [];
        var patch = PatchStrategy.None;
        string? mergeKey = null;
        foreach (var word in words.AsSpan(2))
        {
            var (head, argument) = SplitArgument(word);
            if (word[0] == '#')
                numbers = [.. word[1..].Split('.').Select(int.Parse)];
            else if (head == "set")
                list = ListKind.Set;
            else if (head == "map")
                (list, listKeys) = (ListKind.Map, argument!.Split(','));
            else
            {
                mergeKey = argument;
                foreach (var strategy in head.Split(','))
                    patch |= Enum.Parse<PatchStrategy>(strategy, ignoreCase: true);
            }
        }

        return new FieldDefinition(words[0].TrimEnd('!'), ParseType(package, words[1]), required, numbers, list, listKeys, patch, mergeKey);
    }

    private static (string Head, string? Argument) SplitArgument(string word)
    {
        var open = word.IndexOf('(', StringComparison.Ordinal);
        return open < 0 ? (word, null) : (word[..open], word[(open + 1)..^1]);
    }

    private static FieldType ParseType(string package, string text)
    {
        if (text[0] == '*')
            return ParseScalar(ValueShape.Single, text[1..], keepsZero: true)!;
        var shape = ValueShape.Single;
        if (text.StartsWith("[]", StringComparison.Ordinal))
            (shape, text) = (ValueShape.List, text[2..]);
        else if (text.StartsWith("map[", StringComparison.Ordinal))
            (shape, text) = (ValueShape.Map, text[4..^1]);

        return ParseScalar(shape, text, keepsZero: false) ?? ParseObject(shape, package, text);
    }

    /// <returns>Null when the text names no scalar.</returns>
    private static FieldType? ParseScalar(ValueShape shape, string text, bool keepsZero)
    {
        if (text.StartsWith("string:", StringComparison.Ordinal))
            return Scalar(ValueKind.String, "v1." + text["string:".Length..]);
        return text switch
        {
            "string" => Scalar(ValueKind.String, "string"),
            "int32" => Scalar(ValueKind.Int32, "int32"),
            "int64" => Scalar(ValueKind.Int64, "int64"),
            "bool" => Scalar(ValueKind.Boolean, "bool"),
            "double" => Scalar(ValueKind.Double, "float64"),
            "bytes" => Scalar(ValueKind.Bytes, "[]uint8"),
            "quantity" => Scalar(ValueKind.Quantity, "resource.Quantity"),
            "intstr" => Scalar(ValueKind.IntOrString, "intstr.IntOrString"),
            "time" => Scalar(ValueKind.Time, "v1.Time"),
            "microtime" => Scalar(ValueKind.MicroTime, "v1.MicroTime"),
            "strings" => Scalar(ValueKind.Strings, "[]string"),
            "raw" => Scalar(ValueKind.Raw, "runtime.RawExtension"),
            "any" => Scalar(ValueKind.Any, "interface {}"),
            _ => null,
        };

        FieldType Scalar(ValueKind kind, string name) => new(shape, kind, name) { KeepsZero = keepsZero };
    }

    private static FieldType ParseObject(ValueShape shape, string package, string text) => text switch
    {
        "schemaOrBool" => FieldType.ToObject(shape, ValueKind.SchemaOrBool, "v1.JSONSchemaPropsOrBool", package + ".JSONSchemaProps"),
        "schemaOrArray" => FieldType.ToObject(shape, ValueKind.SchemaOrArray, "v1.JSONSchemaPropsOrArray", package + ".JSONSchemaProps"),
        "schemaOrStrings" => FieldType.ToObject(shape, ValueKind.SchemaOrStrings, "v1.JSONSchemaPropsOrStringArray", package + ".JSONSchemaProps"),
        _ => FieldType.ToObject(shape, ValueKind.Object, "v1." + text[(text.LastIndexOf('.') + 1)..], text.Contains('/', StringComparison.Ordinal) ? text : $"{package}.{text}"),
    };
}
