using System.Runtime.CompilerServices;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>A type's fields by protobuf number. What JSON shows inline can lie in messages of its own, so this is a tree.</summary>
internal sealed class ProtobufLayout
{
    private static readonly ConditionalWeakTable<TypeDefinition, ProtobufLayout> _known = [];

    private readonly Dictionary<int, FieldDefinition> _fields = [];
    private readonly Dictionary<int, ProtobufLayout> _inlined = [];

    public static ProtobufLayout Of(TypeDefinition type) => _known.GetValue(type, static definition =>
    {
        var root = new ProtobufLayout();
        foreach (var field in definition.Fields)
        {
            if (field.Numbers.Count == 0)
                continue;
            var level = root;
            foreach (var number in field.Numbers.SkipLast(1))
                level = level._inlined.TryGetValue(number, out var inner) ? inner : level._inlined[number] = new ProtobufLayout();
            level._fields[field.Numbers[^1]] = field;
        }

        return root;
    });

    public FieldDefinition? Field(int number) => _fields.GetValueOrDefault(number);

    public ProtobufLayout? Inlined(int number) => _inlined.GetValueOrDefault(number);
}
