using CsCheck;
using Portolan.Lab.ApiServer.Cel;
using Portolan.Lab.ApiServer.Cel.Syntax;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.Tests.Cel;

/// <summary>What expressions come to: the language's definition and Kubernetes' libraries, case by case.</summary>
public sealed class EvaluationTests
{
    [Theory]
    // Operators.
    [InlineData("7 / 2 == 3 && -7 / 2 == -3 && -7 % 2 == -1 && 7u % 4u == 3u")]
    [InlineData("1.5 + 1.5 == 3.0 && 'a' + 'b' == 'ab' && b'a' + b'b' == b'ab' && [1] + [2] == [1, 2]")]
    [InlineData("1 < 2 && 1 < 1.5 && 2u > 1 && 'a' < 'b' && b'a' < b'b' && false < true && 9223372036854775807 < 9223372036854775808u")]
    [InlineData("dyn(1) == dyn(1u) && dyn(1) == dyn(1.0) && dyn(1) != dyn('1') && dyn([1, 2]) == [dyn(1.0), dyn(2u)]")]
    [InlineData("2 in [1, 2] && !(3 in [1, 2]) && 'a' in {'a': 1} && 1 in {1u: 'x'}.map(k, int(k))")]
    [InlineData("{'a': 1}.a == 1 && {'a': 1}['a'] == 1 && [1, 2][1] == 2 && has({'a': 1}.a) && !has({'a': 1}.b)")]
    [InlineData("true ? true : 1/0 == 1")]
    [InlineData("true || 1/0 == 1")]
    [InlineData("1/0 == 1 || true")]
    [InlineData("!(1/0 == 1 && false) && !(false && 1/0 == 1)")]
    [InlineData("size('é😀') == 2 && size(b'é') == 2 && 'é😀'.size() == 2 && size([1, 2, 3]) == 3 && size({'a': 1}) == 1")]
    [InlineData("type(1) == int && type('') == string && type([]) == list && type(type(1)) == type && type(timestamp(0)) == google.protobuf.Timestamp && type(null) == null_type")]
    // Macros.
    [InlineData("[1, 2].all(x, x > 0) && ![1, 2].all(x, x > 1) && [].all(x, false)")]
    [InlineData("[1, 2].exists(x, x == 2) && ![].exists(x, true) && {'a': 1, 'b': 2}.exists(k, k == 'b')")]
    [InlineData("[1, 2, 2].exists_one(x, x == 1) && ![1, 2, 2].exists_one(x, x == 2)")]
    [InlineData("[1, 2, 3].map(x, x * 2) == [2, 4, 6] && [1, 2, 3].map(x, x > 1, x * 2) == [4, 6] && [1, 2, 3].filter(x, x != 2) == [1, 3]")]
    [InlineData("[0, 2].exists(x, 4/x == 2) && ![0, 1].all(x, 1/x == 2)")]
    [InlineData("[[1, 2], [3]].all(l, l.all(x, x > 0)) && [1, 2].map(x, [3, 4].map(y, x * y)) == [[3, 4], [6, 8]]")]
    [InlineData("[5, 7].all(i, v, v == 5 + 2 * i) && {'a': 1}.exists(k, v, k == 'a' && v == 1) && [5, 7].exists_one(i, v, i == 1 && v == 7)")]
    [InlineData("[5, 7].transformList(i, v, i + v) == [5, 8] && [5, 7].transformMap(i, v, v > 5, v * 2) == {1: 14} && {'a': 'b'}.transformMapEntry(k, v, {v: k}) == {'b': 'a'}")]
    // Conversions.
    [InlineData("int('-7') == -7 && int(7.9) == 7 && int(-7.9) == -7 && int(7u) == 7 && uint('7') == 7u && double('1.5') == 1.5 && double(3) == 3.0")]
    [InlineData("string(7) == '7' && string(7u) == '7' && string(1.5) == '1.5' && string(true) == 'true' && string(b'abc') == 'abc' && string(2.0) == '2' && string(1e100) == '1e+100'")]
    [InlineData("bytes('é') == b'\\xc3\\xa9' && bool('true') && !bool('0')")]
    [InlineData("string(timestamp('2026-01-02T03:04:05.678Z')) == '2026-01-02T03:04:05.678Z' && int(timestamp('1970-01-01T00:01:00Z')) == 60 && timestamp('2026-01-02T05:04:05+02:00') == timestamp('2026-01-02T03:04:05Z')")]
    [InlineData("string(duration('1h30m')) == '5400s' && duration('1.5s') == duration('1500ms') && duration('-1m') < duration('0')")]
    // Times.
    [InlineData("timestamp('2026-03-01T00:00:00Z') - timestamp('2026-02-28T00:00:00Z') == duration('24h') && timestamp('2026-01-01T00:00:00Z') + duration('1h') > timestamp('2026-01-01T00:30:00Z')")]
    [InlineData("timestamp('2026-11-25T21:30:15.123Z').getFullYear() == 2026 && timestamp('2026-11-25T21:30:15.123Z').getMonth() == 10 && timestamp('2026-11-25T21:30:15.123Z').getDate() == 25 && timestamp('2026-11-25T21:30:15.123Z').getDayOfMonth() == 24")]
    [InlineData("timestamp('2026-11-25T21:30:15.123Z').getDayOfWeek() == 3 && timestamp('2026-01-01T21:30:15.123Z').getDayOfYear() == 0 && timestamp('2026-11-25T21:30:15.123Z').getHours('-05:30') == 16 && timestamp('2026-11-25T21:30:15.123Z').getMilliseconds() == 123")]
    [InlineData("duration('90m').getHours() == 1 && duration('90m').getMinutes() == 90 && duration('1.5s').getMilliseconds() == 1500 && duration('2s').getSeconds() == 2")]
    // Strings.
    [InlineData("'hello'.startsWith('he') && 'hello'.endsWith('lo') && 'hello'.contains('ell') && 'hello'.matches('l+o$') && !'hello'.matches('^l')")]
    [InlineData("'tacocat'.charAt(3) == 'o' && 'tacocat'.charAt(7) == '' && 'hello mellow'.indexOf('ello') == 1 && 'hello mellow'.indexOf('ello', 2) == 7 && 'hello mellow'.indexOf('') == 0 && 'hello mellow'.indexOf('jello') == -1")]
    [InlineData("'hello mellow'.lastIndexOf('ello') == 7 && 'hello mellow'.lastIndexOf('ello', 6) == 1 && 'hello mellow'.lastIndexOf('') == 12 && 'a😀b'.lastIndexOf('b') == 2")]
    [InlineData("'TacoCat'.lowerAscii() == 'tacocat' && 'TacoCÆt Xii'.lowerAscii() == 'tacocÆt xii' && 'TacoCat'.upperAscii() == 'TACOCAT' && '  \\ttrim\\n '.trim() == 'trim' && 'gums'.reverse() == 'smug'")]
    [InlineData("'hello hello'.replace('he', 'we') == 'wello wello' && 'hello hello'.replace('he', 'we', 1) == 'wello hello' && 'hello hello'.replace('he', 'we', 0) == 'hello hello' && 'ab'.replace('', '_') == '_a_b_'")]
    [InlineData("'hello hello hello'.split(' ') == ['hello', 'hello', 'hello'] && 'hello hello hello'.split(' ', 2) == ['hello', 'hello hello'] && 'hello'.split(' ', 0) == [] && 'a😀'.split('') == ['a', '😀']")]
    [InlineData("'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco' && 'a😀b'.substring(1, 2) == '😀' && ['a', 'b'].join('-') == 'a-b' && ['a', 'b'].join() == 'ab' && strings.quote('a\"b') == '\"a\\\\\"b\"'")]
    [InlineData("'%s has %d of %.2f (%x, %X, %b, %o) %%'.format(['a', 7, 1.005, 255, 'hi', 5, 8]) == 'a has 7 of 1.00 (ff, 6869, 101, 10) %' && '%s'.format([[1, 'a', {'k': true}]]) == '[1, a, {k: true}]' && '%e'.format([1234.5]) == '1.234500e+03'")]
    // Lists and sets.
    [InlineData("[1, 2, 3].isSorted() && !['b', 'a'].isSorted() && [1, 2].sum() == 3 && [1.5, 2.0].sum() == 3.5 && [].sum() == 0 && [3, 1].min() == 1 && ['a', 'c'].max() == 'c' && [1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2 && [1].indexOf(2) == -1")]
    [InlineData("sets.contains([1, 2, 3], [2, 1]) && sets.equivalent([1, 1, 2], [2, 1]) && sets.intersects([1], [1, 2]) && !sets.intersects([1], [2])")]
    // Regular expressions.
    [InlineData("'abc 123'.find('[0-9]+') == '123' && 'abc'.find('[0-9]+') == '' && '123 abc 456'.findAll('[0-9]+') == ['123', '456'] && '1 2 3'.findAll('[0-9]+', 2) == ['1', '2']")]
    [InlineData("'é😀x'.matches('^...$') && 'a\\n'.matches('^a$') == false && 'A'.matches('(?i)a') && '٣'.matches('\\\\d') == false && '😀'.matches('^[^a]$') && '😀'.matches('[😀-😎]')")]
    // URLs, quantities, addresses.
    [InlineData("url('https://user:pass@example.com:80/a%20b?k1=a&k2=b&k2=c').getHost() == 'example.com:80' && url('https://[::1]:80/').getHostname() == '::1' && url('https://example.com:80/').getPort() == '80' && url('/path').getScheme() == '' && url('https://example.com/a b?q').getEscapedPath() == '' || isURL('../relative') == false")]
    [InlineData("url('https://example.com:80/?k1=a&k2=b&k2=c').getQuery() == {'k1': ['a'], 'k2': ['b', 'c']} && isURL('https://a:80/') && !isURL('../relative-path') && url('https://example.com/p?q=1').getEscapedPath() == '/p'")]
    [InlineData("isQuantity('1.3Gi') && !isQuantity('1.3GiB') && quantity('50k').isGreaterThan(quantity('50')) && quantity('1Ki') == quantity('1024') && quantity('150Mi').compareTo(quantity('150M')) == 1 && quantity('50k').add(20).sub(quantity('10')) == quantity('50010') && quantity('1.5').isInteger() == false && quantity('50M').asInteger() == 50000000 && quantity('50.703k').asApproximateFloat() == 50703.0 && quantity('-1').sign() == -1")]
    [InlineData("isIP('::1') && !isIP('127.0.0') && ip('127.0.0.1').family() == 4 && ip('::1').isLoopback() && ip.isCanonical('2001:db8::abcd') && !ip.isCanonical('2001:DB8::ABCD') && ip('0.0.0.0').isUnspecified() && ip('169.254.1.1').isLinkLocalUnicast() && ip('224.0.0.1').isLinkLocalMulticast() && ip('8.8.8.8').isGlobalUnicast() && string(ip('::1')) == '::1' && ip('::1') == ip('0:0::1') && !isIP('::ffff:1.2.3.4')")]
    [InlineData("isCIDR('192.168.0.0/24') && !isCIDR('192.168.0.0/33') && cidr('192.168.0.0/24').containsIP('192.168.0.7') && cidr('192.168.0.0/24').containsIP(ip('192.168.0.1')) && cidr('192.168.0.0/24').containsCIDR('192.168.0.128/25') && !cidr('192.168.0.0/24').containsCIDR(cidr('192.168.0.0/23')) && cidr('192.168.0.1/24').masked() == cidr('192.168.0.0/24') && cidr('::1/128').prefixLength() == 128 && string(cidr('10.0.0.0/8').ip()) == '10.0.0.0'")]
    [InlineData("semver('1.2.3').major() == 1 && semver('1.2.3-rc.1').isLessThan(semver('1.2.3')) && semver('1.0.0').compareTo(semver('1.0.0')) == 0 && !isSemver('1.2') && !isSemver('01.2.3') && isSemver('1.2.3+build')")]
    [InlineData("!format.dns1123Label().validate('a-b').hasValue() && format.dns1123Label().validate('A').hasValue() && format.named('uuid').hasValue() && !format.named('nonsense').hasValue()")]
    // Optionals.
    [InlineData("{'a': 1}.?a.hasValue() && !{'a': 1}.?b.hasValue() && {'a': 1}.?b.orValue(7) == 7 && {'a': {'b': 2}}.?a.b.value() == 2 && {'a': 1}[?'b'].or(optional.of(3)).value() == 3 && [1][?7].orValue(0) == 0")]
    [InlineData("optional.of(2).optMap(x, x + 1).value() == 3 && !optional.none().optMap(x, x).hasValue() && optional.of(1).optFlatMap(x, optional.none()).hasValue() == false && [?optional.none(), ?optional.of(1)] == [1] && {?'a': optional.none()}.size() == 0 && !optional.ofNonZeroValue('').hasValue()")]
    public void Holds(string expression)
    {
        var result = Expressions.Evaluate(expression);
        Assert.Null(result.Error);
        Assert.Equal(true, result.Value);
    }

    [Theory]
    [InlineData("1/0 == 1", "division by zero")]
    [InlineData("1 % 0 == 1", "modulus by zero")]
    [InlineData("9223372036854775807 + 1 > 0", "integer overflow")]
    [InlineData("-(-9223372036854775808) > 0", "integer overflow")]
    [InlineData("0u - 1u > 0u", "unsigned integer overflow")]
    [InlineData("[1][1] == 1", "index out of bounds: 1")]
    [InlineData("{'a': 1}['b'] == 1", "no such key: b")]
    [InlineData("{'a': 1}.b == 1", "no such key: b")]
    [InlineData("int('x') == 1", "type conversion error from 'string' to 'int'")]
    [InlineData("dyn(1) + dyn('a') == 2", "no such overload")]
    [InlineData("'abc'.substring(2, 1) == ''", "invalid substring range. start: 2, end: 1")]
    [InlineData("'abc'.charAt(4) == ''", "index out of range: 4")]
    [InlineData("[].min() == 1", "min called on empty list")]
    [InlineData("optional.none().value() == 1", "optional.none() dereference")]
    [InlineData("'a'.matches(dyn('(a') + '')", "error parsing regexp: missing closing ): `(a`")]
    [InlineData("1/0 == 1 && true", "division by zero")]
    [InlineData("{'a': 1, 'a': 2}.size() == 2", "Failed with repeated key a")]
    public void Fails(string expression, string error) => Assert.Equal(error, Expressions.Evaluate(expression).Error);

    [Theory]
    [InlineData("self.a.b == 1 && self.l[0].x == 'y' && self.n == null && self.d == 1.5 && 'a' in self && size(self) == 4", """{"a":{"b":1},"l":[{"x":"y"}],"n":null,"d":1.5}""")]
    [InlineData("self.all(k, self[k] > 0)", """{"a":1,"b":2}""")]
    public void SeesJson(string expression, string self) => Assert.Equal(true, Expressions.Evaluate(expression, self).Value);

    [Fact]
    public void StopsAtTheCostLimit()
    {
        var list = $"[{string.Join(',', Enumerable.Range(0, 200))}]";
        var result = Expressions.Evaluate($"{list}.all(a, {list}.all(b, {list}.all(c, a + b + c >= 0)))");
        Assert.True(result.IsTooDear);
        Assert.Equal("operation cancelled: actual cost limit exceeded", result.Error);
        Assert.InRange(result.Cost, Expressions.Limit, Expressions.Limit + 1000);
    }

    [Fact]
    public void BoundsWhatAnExpressionMakes()
    {
        var self = $"\"{new string('a', 100_000)}\"";
        Assert.Equal("string too long", Expressions.Evaluate("self.replace('a', self).size() > 0", self).Error);
    }

    [Theory]
    [InlineData("(a+)+$")]
    [InlineData("(a|aa)*b")]
    [InlineData("(.*)*(.*)*x")]
    public void MatchesHostilePatternsInLinearTime(string pattern) =>
        Assert.Equal(false, Expressions.Evaluate($"self.matches(r'^{pattern}!')", $"\"{new string('a', 20_000)}\"").Value);

    [Theory]
    [InlineData(@"(a)\1")]
    [InlineData("(?=a)")]
    [InlineData("(?<!a)b")]
    [InlineData("(?>a)")]
    [InlineData("a**")]
    [InlineData("a{1001}")]
    [InlineData("((a{100}){100}){100}")]
    [InlineData("[z-a]")]
    [InlineData("a(")]
    [InlineData("a)")]
    [InlineData("*a")]
    [InlineData(@"\y")]
    [InlineData("(?x)a")]
    public void RefusesPatternsThatRe2Lacks(string pattern) =>
        Assert.Equal(["ERROR: <input>:1:14: invalid matches argument"], Expressions.Problems($"self.matches(r'{pattern}')"));

    [Fact]
    public void NeverThrowsOnRandomExpressions()
    {
        var self = JsonValues.Of(System.Text.Json.Nodes.JsonNode.Parse("""{"a":[1,"x",null,{"b":2.5}],"s":"text"}"""), DataType.Any);
        var values = new Dictionary<string, object> { ["self"] = self, ["a"] = "text", ["b"] = 3L, ["x_1"] = CelNull.Value };
        var environment = new CelEnvironment(values.Keys.ToDictionary(name => name, _ => new CelVariable(DataType.Any)));
        var evaluated = 0;
        ParserTests.Trees.Any.Sample(tree =>
        {
            if (CelProgram.Compile(Printer.Print(tree), environment).Program is not { } program)
                return;
            Interlocked.Increment(ref evaluated);
            program.Evaluate(values, 100_000);
        }, print: Printer.Print, iter: 20_000);
        Assert.True(evaluated > 1000);
    }
}
