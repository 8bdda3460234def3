using System.Text.Json.Nodes;

using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Tests.Workloads;

public sealed class TemplateHashTests
{
    [Fact]
    public void OrderOfFieldsAndNullsDoNotCount_ButValuesDo()
    {
        var hash = TemplateHash.Of(JsonNode.Parse("""{"spec":{"a":1,"b":["x","y"]}}"""));
        Assert.Equal(hash, TemplateHash.Of(JsonNode.Parse("""{"spec":{"b":["x","y"],"c":null,"a":1}}""")));
        Assert.NotEqual(hash, TemplateHash.Of(JsonNode.Parse("""{"spec":{"a":1,"b":["y","x"]}}""")));
        Assert.NotEqual(hash, TemplateHash.Of(JsonNode.Parse("""{"spec":{"a":1,"b":["x","y"]}}"""), collisions: 1));
        Assert.Matches("^[456789bcdf]+$", hash);
    }
}
