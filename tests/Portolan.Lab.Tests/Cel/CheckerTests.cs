using Portolan.Lab.ApiServer.Cel;
using Portolan.Lab.ApiServer.Cel.Types;

namespace Portolan.Lab.Tests.Cel;

/// <summary>Types: what an expression over declared data may do, and how a mistake is told.</summary>
public sealed class CheckerTests
{
    private static readonly CelType _fields = CelType.Object("selfType", new Dictionary<string, CelType>
    {
        ["name"] = CelType.String,
        ["count"] = CelType.Int,
        ["tags"] = CelType.List(CelType.String),
        ["labels"] = CelType.Map(CelType.String, CelType.String),
        ["either"] = CelType.Dyn,
        ["since"] = CelType.Timestamp,
    });

    private static readonly CelEnvironment _environment = new(new Dictionary<string, CelVariable> { ["self"] = new(_fields, null), ["old"] = new(CelType.Optional(_fields), null) });

    [Theory]
    [InlineData("self.nme == 'x'", "ERROR: <input>:1:5: undefined field 'nme'")]
    [InlineData("slf.name == 'x'", "ERROR: <input>:1:1: undeclared reference to 'slf' (in container '')")]
    [InlineData("self.count == 'x'", "ERROR: <input>:1:12: found no matching overload for '_==_' applied to '(int, string)'")]
    [InlineData("self.name + 1 == 'x'", "ERROR: <input>:1:11: found no matching overload for '_+_' applied to '(string, int)'")]
    [InlineData("self.name.contains(1)", "ERROR: <input>:1:19: found no matching overload for 'contains' applied to 'string.(int)'")]
    [InlineData("self.name.frobnicate()", "ERROR: <input>:1:21: undeclared reference to 'frobnicate' (in container '')")]
    [InlineData("frobnicate(self)", "ERROR: <input>:1:11: undeclared reference to 'frobnicate' (in container '')")]
    [InlineData("self.name.first == 'x'", "ERROR: <input>:1:10: type 'string' does not support field selection")]
    [InlineData("self.count.all(x, true)", "ERROR: <input>:1:5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)")]
    [InlineData("self.tags.all(x, x > 1)", "ERROR: <input>:1:20: found no matching overload for '_>_' applied to '(string, int)'")]
    [InlineData("[1, 'a'].size() == 2", "ERROR: <input>:1:5: expected type 'int' but found 'string'")]
    [InlineData("self.since == '2026'", "ERROR: <input>:1:12: found no matching overload for '_==_' applied to '(timestamp, string)'")]
    [InlineData("Foo{a: 1} == self", "ERROR: <input>:1:4: undeclared reference to 'Foo' (in container '')")]
    [InlineData("duration('x') > duration('1s')", "ERROR: <input>:1:10: invalid duration argument")]
    [InlineData("authorizer.group('').check('get').allowed()", "ERROR: <input>:1:1: undeclared reference to 'authorizer' (in container '')")]
    [InlineData("[].map(x, x).all(y, y.z)", null)]
    [InlineData("self.tags + ['x'] == [] && self.labels.all(k, self.labels[k] != k)", null)]
    [InlineData("self.either > 3 && self.either.startsWith('x')", null)]
    [InlineData("old.?name.orValue('x') == self.name && old.hasValue()", null)]
    public void TellsMistakesBeforeTheyRun(string expression, string? problem)
    {
        var found = Expressions.Problems(expression, _environment);
        if (problem is null)
            Assert.Empty(found);
        else
            Assert.Contains(problem, found);
    }

    [Fact]
    public void TellsAllMistakes() => Assert.Equal(
        ["ERROR: <input>:1:5: undefined field 'a'", "ERROR: <input>:1:16: undefined field 'b'"], Expressions.Problems("self.a || (self.b && true)", _environment));

    [Theory]
    [InlineData("self.name", "string")]
    [InlineData("self.tags.map(t, t.size())", "list(int)")]
    [InlineData("self.labels", "map(string, string)")]
    [InlineData("self.either", "dyn")]
    [InlineData("true ? 1 : self.either", "dyn")]
    [InlineData("[]", "list(dyn)")]
    [InlineData("{'a': [self.since]}", "map(string, list(timestamp))")]
    [InlineData("self.?name", "optional_type(string)")]
    [InlineData("self.tags.transformMap(i, v, v)", "map(int, string)")]
    [InlineData("ip('::1')", "net.IP")]
    [InlineData("self.tags.exists(t, t == 'x')", "bool")]
    public void KnowsWhatAnExpressionGives(string expression, string type) => Assert.Equal(type, Expressions.Compile(expression, _environment).ResultType.ToString());

    [Theory]
    [InlineData("x-y", "x__dash__y")]
    [InlineData("x.y/z", "x__dot__y__slash__z")]
    [InlineData("a__b", "a__underscores__b")]
    [InlineData("namespace", "__namespace__")]
    [InlineData("string", "string")]
    [InlineData("1a", null)]
    [InlineData("a b", null)]
    public void EscapesPropertyNames(string property, string? escaped) => Assert.Equal(escaped, Escaping.Escape(property));
}
