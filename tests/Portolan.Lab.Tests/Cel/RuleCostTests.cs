using System.Text.Json.Nodes;
using CsCheck;
using Portolan.Lab.ApiServer.Cel;
using Portolan.Lab.ApiServer.Cel.Values;
using Portolan.Lab.ApiServer.Schema.Custom;
using Portolan.Lab.ApiServer.Schema.Custom.Rules;
using Portolan.Lab.Tests.Schema;

namespace Portolan.Lab.Tests.Cel;

/// <summary>What rules cost: estimated when a definition is created, counted when an object is written.</summary>
public sealed class RuleCostTests
{
    private const string Bounded =
        """
        {"type":"object","properties":{
          "s":{"type":"string","maxLength":20},"n":{"type":"integer"},"d":{"type":"number"},"b":{"type":"boolean"},
          "l":{"type":"array","maxItems":6,"items":{"type":"string","maxLength":12}},
          "m":{"type":"object","maxProperties":4,"additionalProperties":{"type":"integer"}},
          "o":{"type":"array","maxItems":3,"items":{"type":"object","properties":{"k":{"type":"string","maxLength":5},"v":{"type":"array","maxItems":3,"items":{"type":"integer"}}}}},
          "i":{"x-kubernetes-int-or-string":true}}}
        """;

    private static CelEnvironment Environment(string schema) =>
        new(new Dictionary<string, CelVariable> { ["self"] = new(SchemaTypes.Of(StructuralSchema.Compile(Kinds.Json(schema)), isResourceRoot: false, "selfType")!) });

    // Figures worked out by hand from Kubernetes' published cost rules.
    [Theory]
    [InlineData("true", 0)]
    [InlineData("self.n > 1", 3)]                              // self, .n, the comparison
    [InlineData("has(self.n)", 1)]
    [InlineData("self.s == 'abc'", 3)]                         // the shorter of the two, a tenth of it
    [InlineData("self.s.startsWith('ab')", 3)]
    [InlineData("self.s.contains('0123456789ab')", 18)]        // 80 bytes are 8, 12 characters 2
    [InlineData("self.s.matches('abcdefgh')", 20)]             // 9 times 2
    [InlineData("self.l.all(x, x == 'a')", 33)]                // range 2, result 1, 6 × (2 + 1 + 1 + 1)
    [InlineData("self.l.exists(x, x == 'a')", 39)]
    [InlineData("self.l.map(x, x).size() > 0", 93)]
    [InlineData("self.l.exists_one(x, true)", 16)]
    [InlineData("[1, 2, 3].size() == 3", 12)]
    [InlineData("self.b ? self.n > 0 : false", 5)]
    [InlineData("self.l.all(x, self.l.all(y, x == y))", 399)]
    [InlineData("self.s + self.s == ''", 20)]
    [InlineData("'a' in self.l", 8)]
    [InlineData("self.i == 5", 3)]
    public void EstimatesAsKubernetesDoes(string rule, ulong cost) => Assert.Equal(cost, Expressions.Compile(rule, Environment(Bounded)).EstimatedCost.Max);

    [Fact]
    public void CountsNoMoreThanWasEstimated()
    {
        string[] rules =
        [
            "self.n > 1 && self.d < 2.0 || self.b", "has(self.s) && self.s.startsWith('ab')", "self.s.contains('b') ? self.n == 1 : self.n == 2", "self.s.matches('^(a|b)+$') && self.s.find('a+') != ''",
            "self.l.all(x, x.size() > 1 && x != self.s)", "self.l.exists(x, x.startsWith('a') || x.endsWith(self.s))", "self.l.exists_one(x, x in self.l)", "self.l.filter(x, x > 'b').map(x, x + self.s).size() > 1",
            "self.l.map(x, x.upperAscii()).join(',').size() > 4", "self.m.all(k, self.m[k] > 0)", "self.m.exists(k, v, v > 3)", "self.o.all(x, x.v.all(y, y > 0) && x.v.sum() < 100)",
            "self.o.map(x, x.k).isSorted()", "self.l == self.l + ['x'] || self.o == self.o", "self.l.transformList(i, v, v + string(i)).size() > 2", "sets.contains(self.l, ['a', 'b']) && sets.equivalent(self.l, self.l)",
            "self.s.replace('a', 'bcd').size() > 4 && self.s.split('').size() > 2 && self.s.substring(0).lowerAscii() == self.s.trim()", "self.?s.orValue('x') == self.s && self.?n.hasValue()",
            "type(self.i) == string ? self.i != '1' : self.i > 3", "self.l.min() <= self.l.max() || self.l.indexOf('a') == 1", "[self.s, self.s + self.s].all(x, x.size() > 0)", "{'a': self.l}.all(k, self.l.size() > 1)",
            "self.l.all(x, self.o.exists(y, y.k == x || y.v.exists(z, z == self.n)))", "bytes(self.s) == b'abc' || string(bytes(self.s)) == self.s", "self.s.quantity() == 1 || true",
        ];
        var environment = Environment(Bounded);
        var type = environment.Variables["self"].Data!;
        var text = Gen.Char["abcé😀"[0..4]].Array[0, 20].Select(characters => new string(characters));
        var small = Gen.Char['a', 'c'].Array[0, 12].Select(characters => new string(characters));
        var values = Gen.Select(text, Gen.Long[0, 3], Gen.Bool, small.Array[0, 6], Gen.Int[0, 4], Gen.Select(small.Select(s => s.Length > 5 ? s[..5] : s), Gen.Long[0, 9].Array[0, 3]).Array[0, 3]).Select(part => new JsonObject
        {
            ["s"] = part.Item1.Replace('\ud83d', 'x'),
            ["n"] = part.Item2,
            ["d"] = 1.5,
            ["b"] = part.Item3,
            ["l"] = new JsonArray([.. part.Item4.Select(item => JsonValue.Create(item))]),
            ["m"] = new JsonObject(Enumerable.Range(0, part.Item5).Select(i => KeyValuePair.Create($"k{i}", (JsonNode?)JsonValue.Create(i)))),
            ["o"] = new JsonArray([.. part.Item6.Select(item => new JsonObject { ["k"] = item.Item1, ["v"] = new JsonArray([.. item.Item2.Select(v => JsonValue.Create(v))]) })]),
            ["i"] = part.Item3 ? part.Item1.Replace('\ud83d', 'x') : part.Item2,
        });
        var compiled = rules.Select(rule => (rule, CelProgram.Compile(rule, environment).Program)).Where(entry => entry.Program is not null).ToList();
        Assert.Equal(rules.Length - 1, compiled.Count);
        values.Sample(self =>
        {
            var variables = new Dictionary<string, object> { ["self"] = JsonValues.Of(self, type) };
            foreach (var (rule, program) in compiled)
            {
                var result = program!.Evaluate(variables, ulong.MaxValue);
                Assert.True(result.Cost <= program.EstimatedCost.Max, $"{rule}: {result.Cost} of {program.EstimatedCost.Max} for {self.ToJsonString()}");
            }
        }, print: self => self.ToJsonString(), iter: 2000);
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{"l":{"type":"array","items":{"type":"string","x-kubernetes-validations":[{"rule":"self.contains('keyword')"}]}}}}""",
        ".properties[spec].properties[l].items.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)",
        ".properties[spec].properties[l].items.x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule & messageExpression cost total exceeding cost limit for entire OpenAPIv3 schema",
        ": Forbidden: x-kubernetes-validations estimated rule & messageExpression cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)")]
    [InlineData("""{"type":"object","properties":{"l":{"type":"array","maxItems":1000,"items":{"type":"string","maxLength":200}}},"x-kubernetes-validations":[{"rule":"self.l.all(x, self.l.all(y, x == y))"}]}""",
        ".properties[spec].x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of 8.5x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)")]
    [InlineData("""{"type":"object","properties":{"l":{"type":"array","maxItems":100,"items":{"type":"string","maxLength":100}}},"x-kubernetes-validations":[{"rule":"self.l.all(x, self.l.all(y, x == y))"}]}""")]
    [InlineData("""{"type":"object","properties":{"l":{"type":"string"}},"x-kubernetes-validations":[{"rule":"self.l == oldSelf.l"},{"rule":"self == oldSelf"}]}""")]
    public void RefusesRulesThatNoServerCouldAfford(string spec, params string[] problems) => Assert.Equal(problems, Definitions.Problems(Definitions.Spec(spec)));

    [Fact]
    public void StopsARuleThatCostsTooMuch()
    {
        // Keys of maps count nothing in the estimate, as on a real server: what they cost is seen when they are read.
        var kind = Definitions.Make(Definitions.Spec("""{"type":"object","maxProperties":100,"additionalProperties":{"type":"string"},"x-kubernetes-validations":[{"rule":"self.all(k, k.matches('^(a|b|c|d|e|f|g)*(a|b|c|d|e|f|g)*$') || true)","message":"m"}]}"""));
        var spec = new JsonObject(Enumerable.Range(0, 100).Select(i => KeyValuePair.Create(i + new string('x', 20_000), (JsonNode?)JsonValue.Create(""))));
        Assert.Equal(
            ["spec: Invalid value: \"object\": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: m"],
            Definitions.Create(kind, spec.ToJsonString()));
    }

    [Fact]
    public void StopsAnObjectThatCostsTooMuch()
    {
        var rule = $"self.all(k, k.matches('{new string('a', 400)}') || true)";
        var kind = Definitions.Make(Definitions.Spec($$"""{"type":"object","properties":{"l":{"type":"array","maxItems":30,"items":{"type":"object","maxProperties":30,"additionalProperties":{"type":"string"},"x-kubernetes-validations":[{"rule":"{{rule}}"}] } } } }"""));
        var item = $$"""{"{{new string('x', 60_000)}}":"" }""";
        Assert.Equal(
            ["validation failed due to running out of cost budget, no further validation rules will be run"],
            Definitions.Create(kind, $$"""{"l":[{{string.Join(',', Enumerable.Repeat(item, 30))}}] }""").Select(problem => problem.Split("\"object\": ")[1]));
    }
}
