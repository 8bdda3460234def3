using CsCheck;
using Portolan.Kubernetes.Yaml;

namespace Portolan.Kubernetes.Tests.Yaml;

public sealed class YamlJsonTests
{
    [Theory]
    [InlineData("a: 1", """{"a":1}""")]
    [InlineData("a: '1'", """{"a":"1"}""")]
    [InlineData("a: 0x10", """{"a":16}""")]
    [InlineData("a: -3.5", """{"a":-3.5}""")]
    [InlineData("a: 1e3", """{"a":1000}""")]
    [InlineData("a: 10.233.0.1", """{"a":"10.233.0.1"}""")]
    [InlineData("a: 1.2", """{"a":1.2}""")]
    [InlineData("a: true", """{"a":true}""")]
    [InlineData("a: yes", """{"a":"yes"}""")]
    [InlineData("a: ~", """{"a":null}""")]
    [InlineData("a:", """{"a":null}""")]
    [InlineData("a: \"\"", """{"a":""}""")]
    [InlineData("a: Infinity", """{"a":"Infinity"}""")]
    [InlineData("a: e5", """{"a":"e5"}""")]
    [InlineData("a: [1, x]", """{"a":[1,"x"]}""")]
    [InlineData("a: |\n  1\n", "{\"a\":\"1\\n\"}")]
    [InlineData("""{"a": {"b": []}}""", """{"a":{"b":[]}}""")]
    public void ReadsScalarsAsKubernetesDoes(string yaml, string json) => Assert.Equal(json, YamlJson.Document(yaml).ToJsonString());

    [Fact]
    public void LeavesOutEmptyDocuments() => Assert.Equal(2, YamlJson.Documents("---\na: 1\n---\n---\nb: 2\n---\n# nothing\n").Count);

    [Fact]
    public void NamesLineAndColumnOfWhatIsNoYaml()
    {
        var error = Assert.Throws<FormatException>(() => YamlJson.Document("a: 1\nb: 'x\n"));
        Assert.StartsWith("line ", error.Message);
    }

    [Theory]
    [InlineData("&a [*a]")]
    [InlineData("a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]")]
    public void RefusesAliasesThatGrowWithoutEnd(string text) => Assert.Throws<FormatException>(() => YamlJson.Documents(text));

    [Fact]
    public void NeverFailsOtherThanAsPromised() => Gen.String[Gen.Char["abc:-{}[]\"'\n #&*!|>%@`0123.,~"], 0, 60].Sample(text =>
    {
        try
        {
            _ = YamlJson.Documents(text).ToList();
        }
        catch (FormatException)
        {
        }
    });
}
