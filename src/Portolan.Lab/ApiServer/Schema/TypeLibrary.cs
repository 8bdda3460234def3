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
        var shape = ValueShape.Single;
        if (text.StartsWith("[]", StringComparison.Ordinal))
            (shape, text) = (ValueShape.List, text[2..]);
        else if (text.StartsWith("map[", StringComparison.Ordinal))
            (shape, text) = (ValueShape.Map, text[4..^1]);

        if (text.StartsWith("string:", StringComparison.Ordinal))
            return new FieldType(shape, ValueKind.String, "v1." + text["string:".Length..]);
        return text switch
        {
            "string" => new FieldType(shape, ValueKind.String, "string"),
            "int32" => new FieldType(shape, ValueKind.Int32, "int32"),
            "int64" => new FieldType(shape, ValueKind.Int64, "int64"),
            "bool" => new FieldType(shape, ValueKind.Boolean, "bool"),
            "double" => new FieldType(shape, ValueKind.Double, "float64"),
            "bytes" => new FieldType(shape, ValueKind.Bytes, "[]uint8"),
            "quantity" => new FieldType(shape, ValueKind.Quantity, "resource.Quantity"),
            "intstr" => new FieldType(shape, ValueKind.IntOrString, "intstr.IntOrString"),
            "time" => new FieldType(shape, ValueKind.Time, "v1.Time"),
            "microtime" => new FieldType(shape, ValueKind.MicroTime, "v1.MicroTime"),
            "strings" => new FieldType(shape, ValueKind.Strings, "[]string"),
            "raw" => new FieldType(shape, ValueKind.Raw, "runtime.RawExtension"),
            "any" => new FieldType(shape, ValueKind.Any, "interface {}"),
            "schemaOrBool" => FieldType.ToObject(shape, ValueKind.SchemaOrBool, "v1.JSONSchemaPropsOrBool", package + ".JSONSchemaProps"),
            "schemaOrArray" => FieldType.ToObject(shape, ValueKind.SchemaOrArray, "v1.JSONSchemaPropsOrArray", package + ".JSONSchemaProps"),
            "schemaOrStrings" => FieldType.ToObject(shape, ValueKind.SchemaOrStrings, "v1.JSONSchemaPropsOrStringArray", package + ".JSONSchemaProps"),
            _ => FieldType.ToObject(shape, ValueKind.Object, "v1." + text[(text.LastIndexOf('.') + 1)..], text.Contains('/', StringComparison.Ordinal) ? text : $"{package}.{text}"),
        };
    }
}
