using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.FieldOwnership;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.Tests.Schema;

public sealed class CustomKindTests
{
    private const string Definition =
        """
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"pools.example.io"},
         "spec":{"group":"example.io","scope":"Namespaced","names":{"plural":"pools","singular":"pool","kind":"Pool","listKind":"PoolList","shortNames":["pl"],"categories":["all"]},
          "versions":[
           {"name":"v1beta1","served":true,"storage":true,"subresources":{"status":{}},
            "additionalPrinterColumns":[
              {"name":"Auto","type":"boolean","jsonPath":".spec.auto"},
              {"name":"Addresses","type":"string","jsonPath":".spec.addresses"},
              {"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"},
              {"name":"Size","type":"integer","jsonPath":".status.size","priority":1},
              {"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}],
            "schema":{"openAPIV3Schema":{"type":"object","required":["spec"],"properties":{
              "spec":{"type":"object","required":["addresses"],"properties":{
                "addresses":{"type":"array","minItems":1,"maxItems":3,"items":{"type":"string"}},
                "auto":{"type":"boolean","default":true},
                "mode":{"type":"string","enum":["layer2","bgp"]},
                "weight":{"type":"integer","minimum":1,"maximum":10},
                "name":{"type":"string","pattern":"^[a-z]+$","minLength":2,"maxLength":4},
                "port":{"x-kubernetes-int-or-string":true},
                "since":{"type":"string","format":"date-time"},
                "peers":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["host"],
                  "items":{"type":"object","required":["host"],"properties":{"host":{"type":"string"},"port":{"type":"integer","default":179}}}},
                "tags":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
                "labels":{"type":"object","additionalProperties":{"type":"string"}},
                "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
                "either":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"oneOf":[{"required":["a"]},{"required":["b"]}]}}},
              "status":{"type":"object","properties":{"size":{"type":"integer"},
                "conditions":{"type":"array","items":{"type":"object","properties":{"type":{"type":"string"},"status":{"type":"string"}}}}}}}}}},
           {"name":"v1alpha1","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}},
           {"name":"v0","served":false,"storage":false,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}
        """;

    private static readonly KindSchema _definitions = Kinds.Get("CustomResourceDefinition", "apiextensions.k8s.io");
    private static readonly KindSchema _pool = new SchemaCatalogue().Compile(Kinds.Accept(_definitions, Definition))[0];

    [Fact]
    public void OrdersVersionsStableBeforeBetaBeforeAlpha_AndTellsWhichAreServed()
    {
        var kinds = new SchemaCatalogue().Compile(Kinds.Json(Definition));
        Assert.Equal([("v1beta1", true), ("v1alpha1", true), ("v0", false)], kinds.Select(kind => (kind.Version, kind.Served)));
        Assert.Equal(("example.io", "Pool", "pools", "pool", "PoolList"), (_pool.Group, _pool.Kind, _pool.Plural, _pool.Singular, _pool.ListKind));
        Assert.Equal(["pl"], _pool.ShortNames);
        Assert.Equal(["status"], _pool.Subresources);
        Assert.True(_pool is { Namespaced: true, IsCustom: true, TracksGeneration: true, SupportsStrategicMerge: false });
    }

    [Theory]
    [InlineData("""{}""", "spec: Required value")]
    [InlineData("""{"spec":{}}""", "spec.addresses: Required value")]
    [InlineData("""{"spec":{"addresses":7}}""", "spec.addresses: Invalid value: \"integer\": spec.addresses in body must be of type array: \"integer\"")]
    [InlineData("""{"spec":{"addresses":[true]}}""", "spec.addresses[0]: Invalid value: \"boolean\": spec.addresses[0] in body must be of type string: \"boolean\"")]
    [InlineData("""{"spec":{"addresses":[]}}""", "spec.addresses: Invalid value: 0: spec.addresses in body should have at least 1 items")]
    [InlineData("""{"spec":{"addresses":["a","b","c","d"]}}""", "spec.addresses: Too many: 4: must have at most 3 items")]
    [InlineData("""{"spec":{"addresses":["a"],"mode":"x"}}""", "spec.mode: Unsupported value: \"x\": supported values: \"layer2\", \"bgp\"")]
    [InlineData("""{"spec":{"addresses":["a"],"weight":0}}""", "spec.weight: Invalid value: 0: spec.weight in body should be greater than or equal to 1")]
    [InlineData("""{"spec":{"addresses":["a"],"weight":11}}""", "spec.weight: Invalid value: 11: spec.weight in body should be less than or equal to 10")]
    [InlineData("""{"spec":{"addresses":["a"],"weight":1.5}}""", "spec.weight: Invalid value: \"number\": spec.weight in body must be of type integer: \"number\"")]
    [InlineData("""{"spec":{"addresses":["a"],"name":"AB"}}""", "spec.name: Invalid value: \"AB\": spec.name in body should match '^[a-z]+$'")]
    [InlineData("""{"spec":{"addresses":["a"],"name":"ab\n"}}""", "spec.name: Invalid value: \"ab\\n\": spec.name in body should match '^[a-z]+$'")]
    [InlineData("""{"spec":{"addresses":["a"],"name":"a"}}""", "spec.name: Invalid value: \"a\": spec.name in body should be at least 2 chars long")]
    [InlineData("""{"spec":{"addresses":["a"],"name":"abcde"}}""", "spec.name: Too long: may not be more than 4 bytes")]
    [InlineData("""{"spec":{"addresses":["a"],"port":false}}""", "spec.port: Invalid value: \"boolean\": spec.port in body must be of type integer,string: \"boolean\"")]
    [InlineData("""{"spec":{"addresses":["a"],"since":"today"}}""", "spec.since: Invalid value: \"today\": spec.since in body must be of type date-time: \"today\"")]
    [InlineData("""{"spec":{"addresses":["a"],"peers":[{"host":"x"},{"host":"x"}]}}""", "spec.peers[1]: Duplicate value: {\"host\":\"x\"}")]
    [InlineData("""{"spec":{"addresses":["a"],"tags":["x","x"]}}""", "spec.tags[1]: Duplicate value: \"x\"")]
    [InlineData("""{"spec":{"addresses":null}}""", "spec.addresses: Invalid value: \"null\": spec.addresses in body must be of type array: \"null\"")]
    public void RefusesWhatTheSchemaDoesNotAllow(string spec, string expected)
    {
        var obj = Kinds.Json(spec);
        obj["metadata"] = new JsonObject { ["name"] = "a", ["namespace"] = "default" };
        Assert.Equal([expected], Kinds.Errors(_pool, obj.ToJsonString()));
    }

    [Fact]
    public void SaysWhichAlternativesWereTried() => Assert.Equal(
        ["spec.either: Invalid value: \"\": \"spec.either\" must validate one and only one schema (oneOf). Found none valid", "spec.either.a: Required value"],
        Kinds.Errors(_pool, """{"metadata":{"name":"a","namespace":"default"},"spec":{"addresses":["a"],"either":{}}}"""));

    [Fact]
    public void PrunesAndReportsUnknownFieldsAndKeepsWhatIsFree()
    {
        var obj = Kinds.Json("""{"metadata":{"name":"a","colour":1},"spec":{"addressez":[],"free":{"a":{"b":1}},"labels":{"x":"y"},"peers":[{"host":"h","hots":1}]},"extra":1}""");
        var outcome = _pool.Decode(obj);
        Assert.Null(outcome.Failure);
        Assert.Equal(["unknown field \"metadata.colour\"", "unknown field \"spec.addressez\"", "unknown field \"spec.peers[0].hots\"", "unknown field \"extra\""], outcome.Problems);
        Assert.Equal("""{"metadata":{"name":"a"},"spec":{"free":{"a":{"b":1}},"labels":{"x":"y"},"peers":[{"host":"h"}]}}""", obj.ToJsonString());
    }

    [Fact]
    public void FillsInDefaultsAlsoInsideListsAndForNulls()
    {
        var obj = Kinds.Json("""{"spec":{"auto":null,"peers":[{"host":"a"},{"host":"b","port":1}]}}""");
        _pool.Default(obj);
        Assert.Equal("""{"spec":{"auto":true,"peers":[{"host":"a","port":179},{"host":"b","port":1}]}}""", obj.ToJsonString());
    }

    [Fact]
    public void PrintsItsColumns()
    {
        var obj = Kinds.Json("""{"metadata":{"name":"p"},"spec":{"addresses":["10.0.0.0/24"],"auto":true},"status":{"size":256,"conditions":[{"type":"A","status":"x"},{"type":"Ready","status":"True"}]}}""");
        obj["metadata"]!["creationTimestamp"] = Kinds.Ago(TimeSpan.FromDays(5));
        Assert.Equal(["p", "True", "[\"10.0.0.0/24\"]", "True", "256", "5d"], Kinds.Cells(_pool, obj).Select(cell => cell.ToString()));
        Assert.Equal(JsonValueKind.Null, Kinds.Cells(_pool, Kinds.Json("""{"metadata":{"name":"p"}}"""))[3].ValueKind);
    }

    [Fact]
    public void MergesAppliedListsByTheirKeys()
    {
        var merged = AppliedMerge.Merge(
            Kinds.Json("""{"metadata":{"labels":{"a":"b"}},"spec":{"addresses":["x"],"tags":["t"],"peers":[{"host":"a","port":1},{"host":"b"}]}}"""),
            Kinds.Json("""{"metadata":{"labels":{"c":"d"}},"spec":{"addresses":["y"],"tags":["u"],"peers":[{"host":"a","port":2},{"host":"c"}]}}"""), _pool.Structure);
        Assert.Equal(
            """{"metadata":{"labels":{"a":"b","c":"d"}},"spec":{"addresses":["y"],"tags":["t","u"],"peers":[{"host":"a","port":2},{"host":"b"},{"host":"c"}]}}""",
            merged.ToJsonString());
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{"a":{}}}""", "spec.versions[0].schema.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"text"}}}""", "spec.versions[0].schema.openAPIV3Schema.properties[a].type: Unsupported value: \"text\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"array"}}}""", "spec.versions[0].schema.openAPIV3Schema.properties[a].items: Required value: must be specified")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","default":7}}}""", "spec.versions[0].schema.openAPIV3Schema.properties[a].default: Invalid value: \"integer\": spec.versions[0].schema.openAPIV3Schema.properties[a].default in body must be of type string: \"integer\"")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","anyOf":[{"type":"string"}]}}}""", "spec.versions[0].schema.openAPIV3Schema.properties[a].anyOf[0].type: Forbidden: must be empty to be structural")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","pattern":"(["}}}""", "spec.versions[0].schema.openAPIV3Schema.properties[a].pattern: Invalid value: \"([\": must be a valid regular expression")]
    public void RefusesASchemaThatIsNotStructural(string schema, string expected)
    {
        var definition = Kinds.Json(Definition);
        definition["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"] = JsonNode.Parse(schema);
        Assert.Equal([expected], Kinds.Errors(_definitions, definition.ToJsonString()));
    }

    [Fact]
    public void RefusesADefinitionWhoseNamesDoNotFit()
    {
        var definition = Kinds.Json(Definition);
        definition["metadata"]!["name"] = "wrong.example.io";
        definition["spec"]!["versions"]![0]!["storage"] = false;
        var errors = Kinds.Errors(_definitions, definition.ToJsonString());
        Assert.Equal("metadata.name: Invalid value: \"wrong.example.io\": must be spec.names.plural+\".\"+spec.group", errors[0]);
        Assert.EndsWith(": must have exactly one version marked as storage version", errors[1], StringComparison.Ordinal);
    }
}
