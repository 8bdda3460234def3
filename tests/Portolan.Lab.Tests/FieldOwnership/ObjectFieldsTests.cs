using Portolan.Lab.ApiServer.FieldOwnership;
using Portolan.Lab.Tests.Schema;

namespace Portolan.Lab.Tests.FieldOwnership;

public sealed class ObjectFieldsTests
{
    [Theory]
    [InlineData("Service", "", """{"spec":{"ports":[{"port":80},{"port":80,"protocol":"UDP"}],"selector":{"a":"b"}}}""",
        """{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}},"k:{\"port\":80,\"protocol\":\"UDP\"}":{".":{},"f:port":{},"f:protocol":{}}},"f:selector":{}}}""")]
    [InlineData("ConfigMap", "", """{"metadata":{"labels":{"a":"b"},"finalizers":["x"]},"data":{"k":"v"}}""",
        """{"f:data":{"f:k":{}},"f:metadata":{"f:finalizers":{"v:\"x\"":{}},"f:labels":{"f:a":{}}}}""")]
    [InlineData("Pod", "", """{"spec":{"containers":[{"name":"c","image":"i","resources":{},"args":["x"]}],"nodeSelector":{"a":"b"},"securityContext":{}}}""",
        """{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:args":{},"f:image":{},"f:name":{},"f:resources":{}}},"f:nodeSelector":{},"f:securityContext":{}}}""")]
    [InlineData("Deployment", "apps", """{"metadata":{"ownerReferences":[{"uid":"u","name":"n"}]},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}}},"paused":null}}""",
        """{"f:metadata":{"f:ownerReferences":{"k:{\"uid\":\"u\"}":{}}},"f:spec":{"f:paused":{},"f:selector":{},"f:template":{"f:metadata":{"f:labels":{"f:a":{}}}}}}""")]
    public void OfBuiltInKinds(string kind, string group, string obj, string fields) => Assert.Equal(fields, ObjectFields.Of(Kinds.Json(obj), Kinds.Get(kind, group).Structure).Json);

    [Theory]
    [InlineData("""{"numeric":1,"set":["b","a"],"numbers":[10,2],"whole":["x"],"atomic":{"a":"b"},"map":{"k":"v"}}""",
        """{"f:atomic":{},"f:map":{"f:k":{}},"f:numbers":{"v:10":{},"v:2":{}},"f:numeric":{},"f:set":{"v:\"a\"":{},"v:\"b\"":{}},"f:whole":{}}""")]
    [InlineData("""{"list":[{"name":"a","nested":["x"]}],"byName":{"n":{"a":1}},"struct":{"inner":{}},"string":null}""",
        """{"f:byName":{"f:n":{".":{},"f:a":{}}},"f:list":{"k:{\"name\":\"a\"}":{".":{},"f:name":{},"f:nested":{"v:\"x\"":{}}}},"f:string":{},"f:struct":{"f:inner":{}}}""")]
    // Unknown fields below a schema that keeps them: objects field by field, lists whole.
    [InlineData("""{"free":{"a":{"b":[{"c":1}],"d":{}},"e":1}}""", """{"f:free":{"f:a":{".":{},"f:b":{},"f:d":{}},"f:e":{}}}""")]
    // What occurs twice is one field.
    [InlineData("""{"list":[{"name":"a","value":1},{"name":"a","value":2}],"set":["x","x"]}""", """{"f:list":{"k:{\"name\":\"a\"}":{}},"f:set":{"v:\"x\"":{}}}""")]
    [InlineData("""{"set":[],"map":{},"list":null}""", """{"f:list":{},"f:map":{},"f:set":{}}""")]
    public void OfCustomKinds(string obj, string fields) => Assert.Equal(fields, ObjectFields.Of(Kinds.Json(obj), Things.V2.Structure).Json);

    [Theory]
    [InlineData("""{"numeric":1}""", """{"numeric":2}""", """{"f:numeric":{}}""", "{}")]
    [InlineData("""{"numeric":1}""", """{"numeric":1,"string":"x"}""", """{"f:string":{}}""", "{}")]
    [InlineData("""{"struct":{"a":1,"b":1}}""", """{"struct":{"b":1}}""", "{}", """{"f:struct":{"f:a":{}}}""")]
    [InlineData("""{}""", """{"struct":{"a":1}}""", """{"f:struct":{".":{},"f:a":{}}}""", "{}")]
    [InlineData("""{"list":[{"name":"a","value":1}]}""", """{"list":[{"name":"b"},{"name":"a","value":2}]}""",
        """{"f:list":{"k:{\"name\":\"a\"}":{"f:value":{}},"k:{\"name\":\"b\"}":{".":{},"f:name":{}}}}""", "{}")]
    [InlineData("""{"set":["a","b"]}""", """{"set":["b","c"]}""", """{"f:set":{"v:\"c\"":{}}}""", """{"f:set":{"v:\"a\"":{}}}""")]
    [InlineData("""{"whole":["a"]}""", """{"whole":["a","b"]}""", """{"f:whole":{}}""", "{}")]
    [InlineData("""{"map":{"a":"1"}}""", """{}""", "{}", """{"f:map":{".":{},"f:a":{}}}""")]
    [InlineData("""{"free":{"a":{"b":1}}}""", """{"free":{"a":1}}""", """{"f:free":{"f:a":{}}}""", """{"f:free":{"f:a":{"f:b":{}}}}""")]
    [InlineData("""{"free":{"a":1}}""", """{"free":{"a":{"b":1}}}""", """{"f:free":{"f:a":{".":{},"f:b":{}}}}""", "{}")]
    [InlineData("""{"free":{"a":[1]}}""", """{"free":{"a":{"b":1}}}""", """{"f:free":{"f:a":{".":{},"f:b":{}}}}""", "{}")]
    [InlineData("""{"set":["a","b"]}""", """{"set":["b","a"]}""", "{}", "{}")]
    [InlineData("""{"list":[{"name":"a","value":1}]}""", """{"list":[{"name":"a","value":1},{"name":"a","value":2}]}""", """{"f:list":{"k:{\"name\":\"a\"}":{}}}""", """{"f:list":{"k:{\"name\":\"a\"}":{"f:name":{},"f:value":{}}}}""")]
    public void FindsWhatChangedAndWhatWent(string before, string after, string changed, string removed)
    {
        var changes = FieldChanges.Between(Kinds.Json(before), Kinds.Json(after), Things.V2.Structure);
        Assert.Equal((changed, removed), (changes.Changed.Json, changes.Removed.Json));
    }

    [Theory]
    [InlineData("""{"spec":{"portz":[]}}""", ".spec.portz: field not declared in schema")]
    [InlineData("""{"spec":{"ports":[{"port":80,"x":1}]}}""", ".spec.ports[port=80,protocol=\"TCP\"].x: field not declared in schema")]
    [InlineData("""{"spec":{"ports":[{"port":80},{"port":80,"protocol":"TCP"}]}}""", ".spec.ports: duplicate entries for key [port=80,protocol=\"TCP\"]")]
    [InlineData("""{"spec":{"ports":[null]}}""", ".spec.ports: element 0: associative list with keys may not have a null element")]
    [InlineData("""{"spec":{"ports":[7]}}""", ".spec.ports: element 0: associative list with keys may not have non-map elements")]
    [InlineData("""{"metadata":{"finalizers":["a","a"]}}""", ".metadata.finalizers: duplicate entries for key [=\"a\"]")]
    [InlineData("""{"metadata":{"finalizers":[{}]}}""", ".metadata.finalizers: element 0: associative list without keys has an element that's a map type")]
    [InlineData("""{"metadata":{"ownerReferences":[{}]}}""", ".metadata.ownerReferences: element 0: associative list with keys has an element that omits all key fields [\"uid\"] (and doesn't have default values for any key fields)")]
    public void NamesWhatNobodyCouldOwn(string applied, string problem) => Assert.Equal([problem], AppliedCheck.Problems(Kinds.Json(applied), Kinds.Get("Service").Structure));
}
