using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.Tests.Schema;

namespace Portolan.Lab.Tests.FieldOwnership;

/// <summary>A custom kind with every structure there is, in two versions.</summary>
internal static class Things
{
    private const string Schema =
        """
        {"type":"object","properties":{
          "numeric":{"type":"integer"},"string":{"type":"string","nullable":true},"bool":{"type":"boolean"},
          "set":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
          "numbers":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"integer"}},
          "whole":{"type":"array","items":{"type":"string"}},
          "atomic":{"type":"object","x-kubernetes-map-type":"atomic","additionalProperties":{"type":"string"}},
          "map":{"type":"object","additionalProperties":{"type":"string"}},
          "struct":{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"},"inner":{"type":"object","properties":{"c":{"type":"integer"}}}}},
          "list":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],"items":{"type":"object","required":["name"],"properties":{
            "name":{"type":"string"},"value":{"type":"integer"},"nested":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}}}}},
          "ports":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["port","protocol"],"items":{"type":"object","required":["port"],"properties":{
            "port":{"type":"integer"},"protocol":{"type":"string","default":"TCP"},"target":{"type":"string"}}}},
          "byName":{"type":"object","additionalProperties":{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}}}},
          "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}
        """;

    public static IReadOnlyList<KindSchema> Versions { get; } = new SchemaCatalogue().Compile(Kinds.Json($$"""
        {"metadata":{"name":"things.example.io"},"spec":{"group":"example.io","scope":"Namespaced","names":{"plural":"things","kind":"Thing"},"versions":[
          {"name":"v2","served":true,"storage":true,"schema":{"openAPIV3Schema":{{Schema}} } },
          {"name":"v1","served":true,"storage":false,"schema":{"openAPIV3Schema":{{Schema.Replace("\"numeric\"", "\"number\"", StringComparison.Ordinal)}} } }] } }
        """));

    public static KindSchema V2 => Versions[0];

    public static KindSchema V1 => Versions[1];

    /// <summary>What is <c>numeric</c> in v2 is <c>number</c> in v1.</summary>
    public static void Rename(JsonObject obj, KindSchema to)
    {
        var (from, name) = to.Version == "v1" ? ("numeric", "number") : ("number", "numeric");
        if (!obj.Remove(from, out var value)) return;
        obj[name] = value;
    }
}
