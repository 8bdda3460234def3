using CsCheck;
using Portolan.Lab.ApiServer.FieldOwnership;
using Portolan.Lab.Tests.Schema;

namespace Portolan.Lab.Tests.FieldOwnership;

public sealed class FieldSetTests
{
    private static readonly Gen<FieldSet> Sets = Kinds.OneOf("f:a", "f:b", "f:c", "k:{\"name\":\"a\"}", "v:1", "v:\"x\"").Array[1, 4].Array[0, 8]
        .Select(paths => paths.Aggregate(FieldSet.Empty, (set, path) => set.Union(FieldSet.OfPath(path))));

    private static HashSet<string> Paths(FieldSet set) => [.. set.Paths().Select(p => string.Join(' ', p))];

    [Fact]
    public void UnionDifferenceAndIntersectionAreThoseOfTheirPaths() => Gen.Select(Sets, Sets).Sample((a, b) =>
    {
        Assert.Equal(Paths(a).Union(Paths(b)).Order(), Paths(a.Union(b)).Order());
        Assert.Equal(Paths(a).Except(Paths(b)).Order(), Paths(a.Difference(b)).Order());
        Assert.Equal(Paths(a).Intersect(Paths(b)).Order(), Paths(a.Intersection(b)).Order());
        Assert.Equal(Paths(a).SetEquals(Paths(b)), a.Equals(b));
    });

    [Fact]
    public void AnOperationThatChangesNothingGivesTheVerySameSet() => Gen.Select(Sets, Sets).Sample((a, b) =>
    {
        Assert.Same(a, a.Union(a.Intersection(b)));
        if (a.Intersection(b).IsEmpty) Assert.Equal(a, a.Difference(b));
    });

    [Fact]
    public void ReadsWhatItWrote() => Sets.Sample(set => FieldSetText.Read(set.Json).Equals(set));

    [Theory]
    [InlineData("""{"f:spec":{"f:ports":{".":{},"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}},"f:type":{}}}""")]
    [InlineData("""{"f:metadata":{"f:finalizers":{"v:\"a/b\"":{}}}}""")]
    [InlineData("{}")]
    public void WritesTheFormOfTheWire(string text) => Assert.Equal(text, FieldSetText.Read(text).Json);

    [Theory]
    [InlineData("""{"k:{\"b\": 1, \"a\": \"x\"}":{}}""", """{"k:{\"a\":\"x\",\"b\":1}":{}}""")]
    [InlineData("""{"f:b":{},"f:a":{}}""", """{"f:a":{},"f:b":{}}""")]
    [InlineData("""{"f:a":{".":{}}}""", """{"f:a":{}}""")]
    public void ReadsWhatOthersWriteDifferently(string text, string canonical) => Assert.Equal(canonical, FieldSetText.Read(text).Json);

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("""{"spec":{}}""")]
    [InlineData("""{"x:a":{}}""")]
    [InlineData("""{"k:[1]":{}}""")]
    [InlineData("""{"v:{":{}}""")]
    [InlineData("""{"i:-1":{}}""")]
    [InlineData("""{"f:a":1}""")]
    public void RefusesWhatIsNoFieldSet(string text) => Assert.Throws<FormatException>(() => FieldSetText.Read(text));

    [Theory]
    [InlineData(".spec.replicas", "f:spec", "f:replicas")]
    [InlineData(".spec.ports[port=80,protocol=\"TCP\"].targetPort", "f:spec", "f:ports", "k:{\"port\":80,\"protocol\":\"TCP\"}", "f:targetPort")]
    [InlineData(".metadata.finalizers[=\"a/b\"]", "f:metadata", "f:finalizers", "v:\"a/b\"")]
    public void ShowsPathsAsUsersReadThem(string expected, params string[] path) => Assert.Equal(expected, PathElement.Display(path));
}
