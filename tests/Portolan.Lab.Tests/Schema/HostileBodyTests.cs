using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Portolan.Lab.ApiServer.FieldOwnership;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.Tests.Schema;

/// <summary>Whatever JSON or protobuf arrives, every step answers; none throws.</summary>
public sealed class HostileBodyTests
{
    private static readonly string[] _names =
    [
        "apiVersion", "kind", "metadata", "name", "namespace", "labels", "annotations", "ownerReferences", "finalizers", "creationTimestamp", "spec", "status", "ports", "port",
        "targetPort", "nodePort", "type", "selector", "matchLabels", "matchExpressions", "template", "containers", "image", "env", "volumes", "resources", "limits", "cpu", "versions",
        "schema", "openAPIV3Schema", "properties", "items", "names", "plural", "group", "default", "enum", "additionalPrinterColumns", "jsonPath", "webhooks", "rules", "subsets",
        "addresses", "endpoints", "data", "stringData", "conditions", "lastTransitionTime", "clusterIPs", "x-kubernetes-list-map-keys", "allOf", "a", "",
    ];

    private static readonly Gen<JsonNode?> _scalars = Gen.OneOf<JsonNode?>(
        Gen.Const((JsonNode?)null), Gen.Bool.Select(flag => (JsonNode?)flag), Gen.Int.Select(number => (JsonNode?)number), Gen.Double.Where(double.IsFinite).Select(number => (JsonNode?)number),
        Kinds.OneOf("", "a", "object", "ClusterIP", "10.0.0.1", "1Ki", "2026-01-01T00:00:00Z", "None", "v1", "\ud83d\ude00", ".a[?(@.b==\"c\")]", "In").Select(text => (JsonNode?)text));

    private static Gen<JsonNode?> Nodes(int depth) => depth == 0
        ? _scalars
        : Gen.Frequency(
            (2, _scalars),
            (3, Gen.Dictionary(Kinds.OneOf(_names), Nodes(depth - 1))[0, 6].Select(members => (JsonNode?)new JsonObject(members.Select(member => KeyValuePair.Create(member.Key, member.Value?.DeepClone()))))),
            (2, Nodes(depth - 1).Array[0, 3].Select(items => (JsonNode?)new JsonArray([.. items.Select(item => item?.DeepClone())]))));

    private static readonly Gen<JsonObject> _bodies = Nodes(5).Where(node => node is JsonObject).Select(node => (JsonObject)node!);

    [Fact]
    public void EveryStepAnswersForAnyBody() => Gen.Select(Gen.Int[0, BuiltInKinds.All.Count - 1], _bodies, _bodies).Sample((index, body, other) =>
    {
        var kind = BuiltInKinds.All[index];
        var obj = (JsonObject)body.DeepClone();
        if (kind.Decode(obj).Failure is not null)
            return;
        kind.Default(obj);
        kind.ValidateCreate(obj);
        kind.ValidateUpdate(obj, (JsonObject)obj.DeepClone(), null);
        Kinds.Cells(kind, body);
        Kinds.Cells(kind, obj);
        FieldChanges.Between(obj, other, kind.Structure);
        ManagedFields.Read(new JsonArray(body.DeepClone(), new JsonObject { ["operation"] = "Apply", ["apiVersion"] = "v1", ["fieldsType"] = "FieldsV1", ["fieldsV1"] = other.DeepClone() }));
        if (AppliedCheck.Problems(other, kind.Structure).Count == 0)
            ApplyTwice(kind, obj, other);
        if (kind.Kind == "CustomResourceDefinition")
            new SchemaCatalogue().Compile(obj);
    }, iter: 3000);

    // First all of it, then nothing: so that all of it is pruned again.
    private static void ApplyTwice(KindSchema kind, JsonObject live, JsonObject applied)
    {
        var fields = new FieldManager(kind, [kind], (_, _) => throw new InvalidOperationException(), "2026-01-01T00:00:00Z");
        var first = fields.ApplyAsync(live, applied, ManagedFields.None, "a", null, force: true).AsTask().GetAwaiter().GetResult();
        Assert.NotNull(ManagedFields.Read(first.Managers.Write()));
        fields.ApplyAsync(first.Object, [], first.Managers, "a", null, force: true).AsTask().GetAwaiter().GetResult();
    }

    [Fact]
    public void AnyPatchMergesOrIsRefused() => Gen.Select(_bodies, _bodies).Sample((original, patch) =>
    {
        try
        {
            Kinds.Get("Pod").StrategicMerge(original, patch);
        }
        catch (FormatException)
        {
            // Refused with a message: that is an answer.
        }
    }, iter: 2000);

    [Fact]
    public void AnySchemaChecksOrIsRefused() => Gen.Select(_bodies, _bodies).Sample((schema, body) =>
    {
        var crd = new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "as.b.c" },
            ["spec"] = new JsonObject
            {
                ["group"] = "b.c", ["scope"] = "Cluster", ["names"] = new JsonObject { ["plural"] = "as", ["kind"] = "A" },
                ["versions"] = new JsonArray(new JsonObject { ["name"] = "v1", ["served"] = true, ["storage"] = true, ["schema"] = new JsonObject { ["openAPIV3Schema"] = schema.DeepClone() } }),
            },
        };
        var definitions = Kinds.Get("CustomResourceDefinition", "apiextensions.k8s.io");
        if (definitions.Decode(crd).Failure is not null)
            return;
        definitions.Default(crd);
        definitions.ValidateCreate(crd);
        foreach (var kind in new SchemaCatalogue().Compile(crd))
        {
            var obj = (JsonObject)body.DeepClone();
            if (kind.Decode(obj).Failure is not null)
                continue;
            kind.Default(obj);
            kind.ValidateCreate(obj);
            Kinds.Cells(kind, obj);
        }
    }, iter: 2000);

    [Fact]
    public void AnyBytesAfterTheMagicDecodeOrAreRefused() => Gen.Select(Gen.Int[0, BuiltInKinds.All.Count - 1], Gen.Byte.Array[0, 60]).Sample((index, noise) =>
    {
        var kind = BuiltInKinds.All[index];
        byte[] typeMeta = [.. Protobuf.Bytes(1, Encoding.UTF8.GetBytes(kind.ApiVersion)), .. Protobuf.Bytes(2, Encoding.UTF8.GetBytes(kind.Kind))];
        byte[] body = [.. "k8s\0"u8, .. Protobuf.Bytes(1, typeMeta), .. Protobuf.Bytes(2, noise)];
        var decoded = ProtobufDecoder.Decode(body, BuiltInKinds.FindType, out var problem);
        return decoded is null == problem is not null;
    }, iter: 5000);
}

/// <summary>Fields as a protobuf writer puts them down.</summary>
internal static class Protobuf
{
    public static byte[] Bytes(int number, byte[] value) => [.. Varint((uint)(number << 3) | 2), .. Varint((ulong)value.Length), .. value];

    public static byte[] Text(int number, string value) => Bytes(number, Encoding.UTF8.GetBytes(value));

    public static byte[] Whole(int number, long value) => [.. Varint((uint)(number << 3)), .. Varint((ulong)value)];

    private static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }
}
