using System.Text.Json.Nodes;

namespace Portolan.Lab.Tests.Cel;

/// <summary>Rules in definitions: what is refused when one is created, and what its objects are then held to.</summary>
public sealed class DefinitionRuleTests
{
    private static string Rule(string rule, string rest = "") => $$"""{"rule":{{JsonValue.Create(rule).ToJsonString()}}{{rest}}}""";

    private static string Object(string properties, params string[] rules) =>
        $$"""{"type":"object","properties":{{{properties}}},"x-kubernetes-validations":[{{string.Join(',', rules)}}]}""";

    [Theory]
    [InlineData("self.x > 5", "", ".properties[spec].x-kubernetes-validations[0].rule: Invalid value: apiextensions.ValidationRule{Rule:\"self.x > 5\", Message:\"\", MessageExpression:\"\", Reason:(*apiextensions.FieldValueErrorReason)(nil), FieldPath:\"\", OptionalOldSelf:(*bool)(nil)}: compilation failed: ERROR: <input>:1:5: undefined field 'x'\n | self.x > 5\n | ....^")]
    [InlineData("self.n", "", ".properties[spec].x-kubernetes-validations[0].rule: Invalid value: apiextensions.ValidationRule{Rule:\"self.n\", Message:\"\", MessageExpression:\"\", Reason:(*apiextensions.FieldValueErrorReason)(nil), FieldPath:\"\", OptionalOldSelf:(*bool)(nil)}: cel expression must evaluate to a bool")]
    [InlineData("  ", "", ".properties[spec].x-kubernetes-validations[0].rule: Required value: rule is not specified")]
    [InlineData("true", ",\"message\":\" \"", ".properties[spec].x-kubernetes-validations[0].message: Invalid value: \" \": message must be non-empty if specified")]
    [InlineData("true", ",\"message\":\"a\\nb\"", ".properties[spec].x-kubernetes-validations[0].message: Invalid value: \"a\\nb\": message must not contain line breaks")]
    [InlineData("true &&\ntrue", "", ".properties[spec].x-kubernetes-validations[0].message: Required value: message must be specified if rule contains line breaks")]
    [InlineData("true", ",\"reason\":\"BecauseISaySo\"", ".properties[spec].x-kubernetes-validations[0].reason: Unsupported value: \"BecauseISaySo\": supported values: \"FieldValueDuplicate\", \"FieldValueForbidden\", \"FieldValueInvalid\", \"FieldValueRequired\"")]
    [InlineData("true", ",\"fieldPath\":\".nowhere\"", ".properties[spec].x-kubernetes-validations[0].fieldPath: Invalid value: \".nowhere\": fieldPath must be a valid path")]
    [InlineData("true", ",\"optionalOldSelf\":true", ".properties[spec].x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule")]
    public void RefusesARuleThatItCannotEvaluate(string rule, string rest, string problem) =>
        Assert.Equal([problem], Definitions.Problems(Definitions.Spec(Object("\"n\":{\"type\":\"integer\"}", Rule(rule, rest)))));

    [Fact]
    public void RefusesAMessageThatIsNone()
    {
        var problem = Assert.Single(Definitions.Problems(Definitions.Spec(Object("\"n\":{\"type\":\"integer\"}", Rule("self.n > 1", ",\"messageExpression\":\"self.n\"")))));
        Assert.StartsWith(".properties[spec].x-kubernetes-validations[0].messageExpression: Invalid value: ", problem, StringComparison.Ordinal);
        Assert.EndsWith(": messageExpression must evaluate to a string", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void RefusesOldSelfWhereItCannotBeFound()
    {
        var items = """{"type":"array","maxItems":5,"items":{"type":"array","maxItems":5,"items":{"type":"string","maxLength":10,"x-kubernetes-validations":[{"rule":"self == oldSelf"}]}}}""";
        Assert.Equal(
            [".properties[spec].properties[l].items.items.x-kubernetes-validations[0].rule: Invalid value: \"self == oldSelf\": oldSelf cannot be used on the uncorrelatable portion of the schema within spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[l].items"],
            Definitions.Problems(Definitions.Spec(Object($"\"l\":{items}"))).Select(problem => problem.Replace("within .", "within spec.versions[0].schema.openAPIV3Schema.", StringComparison.Ordinal)));
    }

    [Fact]
    public void RefusesRulesWhereNothingIsKnownOfTheValue()
    {
        var schema = Definitions.Spec("""{"type":"object","properties":{"any":{"x-kubernetes-preserve-unknown-fields":true,"x-kubernetes-validations":[{"rule":"true"}]}}}""");
        Assert.Contains("rules are not supported on a value without type", Assert.Single(Definitions.Problems(schema)), StringComparison.Ordinal);
        var combined = Definitions.Spec("""{"type":"object","anyOf":[{"x-kubernetes-validations":[{"rule":"true"}]}]}""");
        Assert.Equal([".properties[spec].anyOf[0].x-kubernetes-validations: Forbidden: must be undefined to be structural"], Definitions.Problems(combined));
    }

    // The examples of the Kubernetes documentation, each with the fields it speaks of.
    [Theory]
    [InlineData("self.minReplicas <= self.replicas && self.replicas <= self.maxReplicas", """{"minReplicas":1,"replicas":2,"maxReplicas":3}""", true)]
    [InlineData("self.minReplicas <= self.replicas && self.replicas <= self.maxReplicas", """{"minReplicas":1,"replicas":7,"maxReplicas":3}""", false)]
    [InlineData("'Available' in self.stateCounts", """{"stateCounts":{"Available":1}}""", true)]
    [InlineData("(self.list1.size() == 0) != (self.list2.size() == 0)", """{"list1":[],"list2":["a"]}""", true)]
    [InlineData("!('MY_KEY' in self.map1) || self.map1['MY_KEY'].matches('^[a-zA-Z]*$')", """{"map1":{"MY_KEY":"a1"}}""", false)]
    [InlineData("self.envars.filter(e, e.name == 'MY_ENV').all(e, e.value.matches('^[a-zA-Z]*$'))", """{"envars":[{"name":"MY_ENV","value":"abc"},{"name":"OTHER","value":"1"}]}""", true)]
    [InlineData("has(self.expired) && self.created + self.ttl < self.expired", """{"created":"2026-01-01T00:00:00Z","ttl":"1h","expired":"2026-01-02T00:00:00Z"}""", true)]
    [InlineData("self.health.startsWith('ok')", """{"health":"bad"}""", false)]
    [InlineData("self.widgets.exists(w, w.key == 'x' && w.foo < 10)", """{"widgets":[{"key":"x","foo":3}]}""", true)]
    [InlineData("type(self.either) == string ? self.either == '99%' : self.either == 42", """{"either":"99%"}""", true)]
    [InlineData("type(self.either) == string ? self.either == '99%' : self.either == 42", """{"either":42}""", true)]
    [InlineData("self.set1 == ['b', 'a'] && (self.set1 + ['b', 'c']).size() == 3", """{"set1":["a","b"]}""", true)]
    [InlineData("self.widgets == self.widgets + [] && self.either == self.either", """{"widgets":[{"key":"x"}],"either":1}""", true)]
    [InlineData("self.__namespace__.startsWith('a') && self.x__dash__prop == 1 && self.redact__underscores__d == 'r'", """{"namespace":"ab","x-prop":1,"redact__d":"r"}""", true)]
    [InlineData("self.data == b'hello'", """{"data":"aGVsbG8="}""", true)]
    [InlineData("self.embedded.kind == 'Pod' && self.embedded.apiVersion == 'v1' && self.embedded.metadata.name == 'n'", """{"embedded":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"n"}}}""", true)]
    [InlineData("!has(self.nothing) || self.nothing == null", """{"nothing":null}""", true)]
    [InlineData("quantity(self.health).isLessThan(quantity('2Gi')) && isIP(self.__namespace__) && cidr('10.0.0.0/8').containsIP(self.__namespace__)", """{"health":"1Gi","namespace":"10.1.2.3"}""", true)]
    public void HoldsObjectsToTheExamplesOfTheDocumentation(string rule, string spec, bool holds)
    {
        const string Fields =
            """
            "minReplicas":{"type":"integer"},"replicas":{"type":"integer"},"maxReplicas":{"type":"integer"},
            "stateCounts":{"type":"object","maxProperties":10,"additionalProperties":{"type":"integer"}},
            "list1":{"type":"array","maxItems":10,"items":{"type":"string","maxLength":20}},"list2":{"type":"array","maxItems":10,"items":{"type":"string","maxLength":20}},
            "map1":{"type":"object","maxProperties":10,"additionalProperties":{"type":"string","maxLength":100}},
            "envars":{"type":"array","maxItems":10,"items":{"type":"object","properties":{"name":{"type":"string","maxLength":20},"value":{"type":"string","maxLength":100}}}},
            "expired":{"type":"string","format":"date-time"},"created":{"type":"string","format":"date-time"},"ttl":{"type":"string","format":"duration"},
            "health":{"type":"string","maxLength":100},"namespace":{"type":"string","maxLength":100},"x-prop":{"type":"integer"},"redact__d":{"type":"string","maxLength":5},
            "widgets":{"type":"array","maxItems":10,"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["key"],
              "items":{"type":"object","required":["key"],"properties":{"key":{"type":"string","maxLength":10},"foo":{"type":"integer"}}}},
            "set1":{"type":"array","maxItems":10,"x-kubernetes-list-type":"set","items":{"type":"string","maxLength":10}},
            "either":{"x-kubernetes-int-or-string":true},"data":{"type":"string","format":"byte","maxLength":100},
            "embedded":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true},
            "nothing":{"type":"object","nullable":true,"properties":{"a":{"type":"string"}}}
            """;
        var kind = Definitions.Make(Definitions.Spec(Object(Fields, Rule(rule))));
        Assert.Equal(holds ? [] : [$"spec: Invalid value: \"object\": failed rule: {rule}"], Definitions.Create(kind, spec));
    }

    [Fact]
    public void SaysWhatTheRuleSays()
    {
        var kind = Definitions.Make(Definitions.Spec(Object(
            "\"n\":{\"type\":\"integer\"},\"m\":{\"type\":\"object\",\"maxProperties\":3,\"additionalProperties\":{\"type\":\"string\"}}",
            Rule("self.n > 1", ",\"message\":\" too small \""),
            Rule("self.n > 2", ",\"message\":\"m\",\"messageExpression\":\"'%d is not over two'.format([self.n])\""),
            Rule("self.n > 3", ",\"messageExpression\":\"''\""),
            Rule("self.n > 4", ",\"message\":\"m\",\"reason\":\"FieldValueForbidden\",\"fieldPath\":\".n\""),
            Rule("self.n > 5", ",\"message\":\"m\",\"reason\":\"FieldValueRequired\",\"fieldPath\":\".m['a.b']\""),
            Rule("self.n > 6", ",\"reason\":\"FieldValueDuplicate\""),
            Rule("10 / self.n > 0"),
            Rule("self.m['k'] == 'x'", ",\"message\":\"k\""))));
        Assert.Equal(
            [
                "spec: Invalid value: \"object\": too small",
                "spec: Invalid value: \"object\": 0 is not over two",
                "spec: Invalid value: \"object\": failed rule: self.n > 3",
                "spec.n: Forbidden: m",
                "spec.m[a.b]: Required value: m",
                "spec: Duplicate value: \"object\"",
                "spec: Invalid value: \"object\": division by zero evaluating rule: 10 / self.n > 0",
                "spec: Invalid value: \"object\": no such key: k evaluating rule: k",
            ],
            Definitions.Create(kind, """{"n":0,"m":{}}"""));
    }

    [Fact]
    public void ChecksEveryPlaceThatHasRules()
    {
        const string Small = """{"type":"integer","x-kubernetes-validations":[{"rule":"self < 5","message":"big"}]}""";
        var kind = Definitions.Make($$"""
            {"type":"object","x-kubernetes-validations":[{"rule":"self.metadata.name != 'a' && self.kind == 'Thing'","message":"name"}],
             "properties":{"spec":{"type":"object","properties":{
               "list":{"type":"array","maxItems":10,"items":{{Small}}},"map":{"type":"object","maxProperties":10,"additionalProperties":{{Small}}},"odd name":{{Small}},"none":{"type":"integer","nullable":true,"x-kubernetes-validations":[{"rule":"false"}]} } } } }
            """);
        Assert.Equal(
            ["<nil>: Invalid value: \"object\": name", "spec.list[1]: Invalid value: \"integer\": big", "spec.map[k]: Invalid value: \"integer\": big", "spec.odd name: Invalid value: \"integer\": big"],
            Definitions.Create(kind, """{"list":[1,7],"map":{"k":9,"l":1},"odd name":8,"none":null}"""));
    }

    [Fact]
    public void ChecksRulesOnlyOfObjectsThatHaveTheRightTypes()
    {
        var kind = Definitions.Make(Definitions.Spec(Object("\"n\":{\"type\":\"integer\"}", Rule("self.n > 1"))));
        Assert.Equal(
            [
                "spec.n: Invalid value: \"string\": spec.n in body must be of type integer: \"string\"",
                "<nil>: Invalid value: \"null\": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
            ],
            Definitions.Create(kind, """{"n":"x"}"""));
    }

    [Fact]
    public void ComparesWithWhatWas()
    {
        var kind = Definitions.Make(Definitions.Spec(
            """
            {"type":"object","properties":{
              "fixed":{"type":"string","maxLength":10,"x-kubernetes-validations":[{"rule":"self == oldSelf","message":"immutable"}]},
              "grows":{"type":"integer","x-kubernetes-validations":[{"rule":"!oldSelf.hasValue() ? self == 1 : self >= oldSelf.value()","message":"must grow","optionalOldSelf":true}]},
              "items":{"type":"array","maxItems":5,"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","required":["k"],
                "properties":{"k":{"type":"string","maxLength":10},"v":{"type":"integer"}},"x-kubernetes-validations":[{"rule":"self.v >= oldSelf.v","message":"less"}]}}}}
            """));
        Assert.Empty(Definitions.Create(kind, """{"fixed":"a","grows":1,"items":[{"k":"x","v":5}]}"""));
        Assert.Equal(["spec.grows: Invalid value: \"integer\": must grow"], Definitions.Create(kind, """{"grows":2}"""));
        Assert.Equal(["spec.fixed: Invalid value: \"string\": immutable"], Definitions.Change(kind, """{"fixed":"a"}""", """{"fixed":"b"}"""));
        Assert.Empty(Definitions.Change(kind, "{}", """{"fixed":"b"}"""));
        Assert.Empty(Definitions.Change(kind, """{"grows":2}""", """{"grows":3}"""));
        Assert.Equal(["spec.grows: Invalid value: \"integer\": must grow"], Definitions.Change(kind, """{"grows":3}""", """{"grows":2}"""));
        Assert.Equal(
            ["spec.items[1]: Invalid value: \"object\": less"],
            Definitions.Change(kind, """{"items":[{"k":"x","v":5},{"k":"y","v":1}]}""", """{"items":[{"k":"y","v":2},{"k":"x","v":4},{"k":"z","v":0}]}"""));
    }

    [Fact]
    public void LetsBrokenRulesRestThatAChangeDidNotBreak()
    {
        var kind = Definitions.Make(Definitions.Spec(
            """
            {"type":"object","properties":{
              "a":{"type":"integer","x-kubernetes-validations":[{"rule":"self < 5","message":"big"}]},"b":{"type":"integer"},
              "l":{"type":"array","maxItems":5,"items":{"type":"integer","x-kubernetes-validations":[{"rule":"self < 5","message":"big"}]}}}}
            """));
        Assert.Empty(Definitions.Change(kind, """{"a":7,"l":[8]}""", """{"a":7,"l":[8],"b":1}"""));
        Assert.Equal(["spec.a: Invalid value: \"integer\": big"], Definitions.Change(kind, """{"a":7}""", """{"a":8}"""));
        Assert.Equal(["spec.l[0]: Invalid value: \"integer\": big"], Definitions.Change(kind, """{"l":[8]}""", """{"l":[8,1]}"""));
    }

    [Fact]
    public void LetsWrongValuesRestThatAChangeDidNotTouch()
    {
        var kind = Definitions.Make(Definitions.Spec(
            """
            {"type":"object","required":["must"],"properties":{"must":{"type":"integer"},"free":{"type":"integer"},"short":{"type":"string","maxLength":2},"mode":{"type":"string","enum":["a"]},
              "list":{"type":"array","maxItems":1,"items":{"type":"integer","maximum":5}},
              "items":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","required":["k"],"properties":{"k":{"type":"string"},"v":{"type":"integer","maximum":5}}}},
              "either":{"type":"object","properties":{"a":{"type":"string"}},"oneOf":[{"required":["a"]}]}}}
            """));
        const string Old = """{"must":1,"short":"long","mode":"b","list":[7,8],"items":[{"k":"x","v":9},{"k":"y","v":9}]}""";
        Assert.Empty(Definitions.Change(kind, Old, Old.Replace("\"must\":1", "\"must\":2,\"free\":1", StringComparison.Ordinal)));
        Assert.Equal(
            ["spec.short: Too long: may not be more than 2 bytes", "spec.list: Too many: 3: must have at most 1 items", "spec.list[0]: Invalid value: 7: spec.list[0] in body should be less than or equal to 5"],
            Definitions.Change(kind, Old, """{"must":1,"short":"longer","mode":"b","list":[7,2,3],"items":[{"k":"x","v":9},{"k":"y","v":9}]}"""));
        Assert.Equal(
            ["spec.items[1].v: Invalid value: 10: spec.items[1].v in body should be less than or equal to 5"],
            Definitions.Change(kind, Old, """{"must":1,"items":[{"k":"y","v":9},{"k":"x","v":10}]}"""));
        Assert.Equal(["spec.must: Required value"], Definitions.Change(kind, """{"free":1}""", """{"free":2}"""));
        Assert.Equal(2, Definitions.Change(kind, """{"must":1,"either":{}}""", """{"must":2,"either":{}}""").Length);
    }
}
