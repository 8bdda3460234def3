using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Schema.Custom;
using Portolan.Lab.ApiServer.Schema.Custom.Rules;
using Portolan.Lab.Tests.Schema;
using Range = Portolan.Lab.ApiServer.Cel.Estimation.Range;

namespace Portolan.Lab.Tests.Deploy;

/// <summary>
/// Every definition of <c>deploy/crds</c> against the rules that Kubernetes publishes for CustomResourceDefinitions, as servers from 1.28 on hold them.
/// </summary>
public sealed partial class ShippedDefinitionTests
{
    // What one rule, and all rules of a version, may cost. A quarter of it is kept free: estimates differ a little between releases.
    private const ulong RuleLimit = 7_500_000;
    private const ulong SchemaLimit = 75_000_000;

    public static IEnumerable<TheoryDataRow<string>> Files => ShippedDefinition.All.Select(definition => new TheoryDataRow<string>(definition.File));

    private static ShippedDefinition Of(string file) => ShippedDefinition.All.Single(definition => definition.File == file);

    [Fact]
    [Contract("§1 versions")]
    public void ServesTheKindsOfMetalLB()
    {
        var served = ShippedDefinition.All.Where(definition => (string?)definition.Spec["group"] == "metallb.io")
            .Select(definition => $"{definition.Spec["names"]!["kind"]} {string.Join(',', definition.Versions.Select(version => $"{version["name"]}{((bool)version["storage"]! ? "*" : "")}"))}");
        Assert.Equal(
            [
                "BFDProfile v1beta1*", "BGPAdvertisement v1beta1*", "BGPPeer v1beta1,v1beta2*", "Community v1beta1*", "ConfigurationState v1beta1*",
                "IPAddressPool v1beta1*", "L2Advertisement v1beta1*", "ServiceBGPStatus v1beta1*", "ServiceL2Status v1beta1*",
            ],
            served.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void IsAcceptedByAnApiServer(string file) => Assert.Empty(Kinds.Errors(Kinds.Get("CustomResourceDefinition", "apiextensions.k8s.io"), Of(file).Json.ToJsonString()));

    [Theory]
    [MemberData(nameof(Files))]
    public void HasNamesThatFitTogether(string file)
    {
        var definition = Of(file);
        var names = definition.Spec["names"]!;
        var kind = (string)names["kind"]!;
        Assert.Equal("apiextensions.k8s.io/v1", (string?)definition.Json["apiVersion"]);
        Assert.Equal($"{names["plural"]}.{definition.Spec["group"]}", (string?)definition.Json["metadata"]!["name"]);
        Assert.Equal(kind + "List", (string?)names["listKind"]);
        Assert.Equal(kind.ToLowerInvariant(), (string?)names["singular"]);
        Assert.Contains((string?)definition.Spec["scope"], (IEnumerable<string>)["Namespaced", "Cluster"]);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void StoresExactlyOneVersion_AndConvertsWhenItServesSeveral(string file)
    {
        var definition = Of(file);
        Assert.Single(definition.Versions, version => (bool)version["storage"]!);
        Assert.All(definition.Versions, version => Assert.Matches("^v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?$", (string)version["name"]!));
        Assert.Equal(definition.Versions.Count(), definition.Versions.Select(version => (string)version["name"]!).Distinct().Count());
        Assert.All(definition.Versions, version => Assert.True((bool)version["served"]!));
        if (definition.Versions.Count() == 1)
        {
            Assert.Null(definition.Spec["conversion"]);
            return;
        }

        // A webhook converts pruned objects only, and is spoken to in a version of the review that it knows.
        var conversion = definition.Spec["conversion"]!;
        Assert.Equal("Webhook", (string?)conversion["strategy"]);
        Assert.Equal("v1", (string?)Assert.Single((JsonArray)conversion["webhook"]!["conversionReviewVersions"]!));
        Assert.Equal(("metallb-webhook-service", "metallb-system", "/convert"), (
            (string?)conversion["webhook"]!["clientConfig"]!["service"]!["name"], (string?)conversion["webhook"]!["clientConfig"]!["service"]!["namespace"], (string?)conversion["webhook"]!["clientConfig"]!["service"]!["path"]));
        Assert.All(definition.Versions.Where(version => !(bool)version["storage"]!), version => Assert.Equal((true, true), ((bool?)version["deprecated"], version["deprecationWarning"] is not null)));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void PrunesWhatItDoesNotKnow(string file)
    {
        Assert.NotEqual(true, (bool?)Of(file).Spec["preserveUnknownFields"]);
        foreach (var version in Of(file).Versions)
        {
            foreach (var (path, schema) in ShippedDefinition.Walk(ShippedDefinition.Schema(version), ""))
                Assert.False(schema.ContainsKey("x-kubernetes-preserve-unknown-fields"), path);
            Assert.True((version["subresources"] as JsonObject)?.ContainsKey("status") == true);
            Assert.NotNull(ShippedDefinition.Schema(version)["properties"]!["status"]);
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void SaysTheTypeAndTheMeaningOfEveryField(string file)
    {
        foreach (var version in Of(file).Versions)
        {
            foreach (var (path, schema) in ShippedDefinition.Walk(ShippedDefinition.Schema(version), ""))
            {
                Assert.True(schema["type"] is not null || (bool?)schema["x-kubernetes-int-or-string"] == true, path);
                Assert.False(schema.Any(entry => entry.Key is "allOf" or "anyOf" or "oneOf" or "not" or "$ref" or "uniqueItems" or "nullable"), path);
                Assert.False(schema.ContainsKey("properties") && schema.ContainsKey("additionalProperties"), path);
                if (!path.EndsWith(']') && path != ".metadata")
                    Assert.False(string.IsNullOrWhiteSpace((string?)schema["description"]), path);
                foreach (var name in schema["required"] as JsonArray ?? [])
                    Assert.True(((JsonObject)schema["properties"]!).ContainsKey((string)name!), $"{path}: {name}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void HasDefaultsThatItWouldAccept(string file)
    {
        foreach (var version in Of(file).Versions)
        {
            foreach (var (path, schema) in ShippedDefinition.Walk(ShippedDefinition.Schema(version), "").Where(part => part.Schema.ContainsKey("default")))
            {
                Assert.False(path.StartsWith(".metadata", StringComparison.Ordinal) || path.StartsWith(".status", StringComparison.Ordinal), path);
                Assert.NotNull(schema["default"]);
                var errors = new Portolan.Lab.ApiServer.Validation.ErrorList();
                SchemaValidator.Validate(schema["default"], StructuralSchema.Compile(schema), path, errors);
                Assert.Empty(errors.Errors);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void PrintsColumnsOfFieldsThatAreThere(string file)
    {
        foreach (var version in Of(file).Versions)
        {
            foreach (var column in version["additionalPrinterColumns"] as JsonArray ?? [])
            {
                var path = (string)column!["jsonPath"]!;
                Assert.NotNull(JsonPath.TryParse(path));
                Assert.Contains((string?)column["type"], (IEnumerable<string>)["integer", "number", "string", "boolean", "date"]);
                if (path.StartsWith(".metadata.", StringComparison.Ordinal))
                    continue;
                var found = ShippedDefinition.Schema(version);
                foreach (var name in path[1..].Split('.'))
                    found = Assert.IsType<JsonObject>(found["properties"]?[name.Split('[')[0]]);

                // Only a string column shows a list or an object; in any other, a value of another type is left out.
                if ((string?)column["type"] is { } type and not ("string" or "date"))
                    Assert.Equal(type, (string?)found["type"]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void UsesOnlyWhatServersOf128Know(string file)
    {
        foreach (var version in Of(file).Versions)
        {
            Assert.False(version.ContainsKey("selectableFields"));   // 1.30
            foreach (var (path, rule) in ShippedDefinition.Rules(ShippedDefinition.Schema(version), ""))
            {
                Assert.False(rule.ContainsKey("optionalOldSelf"), path);   // 1.29
                Assert.False(string.IsNullOrWhiteSpace((string?)rule["message"]), path);
                foreach (var text in (IEnumerable<string?>)[(string?)rule["rule"], (string?)rule["messageExpression"]])
                    Assert.DoesNotMatch(LaterThan128(), Quoted().Replace(text ?? "", "''"));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void CostsThreeQuartersAtMostOfWhatRulesMayCost(string file)
    {
        foreach (var version in Of(file).Versions)
        {
            if (RuleTree.Build(StructuralSchema.Compile(ShippedDefinition.Schema(version))) is not { } tree)
                continue;
            var costs = Costs(tree, "", 1).ToList();
            Assert.All(costs, cost => Assert.True(cost.Cost <= RuleLimit, $"{cost.Path}: {cost.Cost}"));
            Assert.True(costs.Aggregate(0UL, (sum, cost) => Range.Add(sum, cost.Cost)) <= SchemaLimit);
        }
    }

    private static IEnumerable<(string Path, ulong Cost)> Costs(RuleTree tree, string path, ulong? count)
    {
        var times = count ?? (ulong)(SchemaTypes.MaxRequestSize / (tree.Type.MinSize + 1));
        foreach (var rule in tree.Rules)
        {
            yield return ($"{path}: {rule.Definition.Rule}", Range.Multiply(Assert.IsType<Portolan.Lab.ApiServer.Cel.CelProgram>(rule.Program).EstimatedCost.Max, times));
            if (rule.Message is { } message)
                yield return ($"{path}: {rule.Definition.MessageExpression}", message.EstimatedCost.Max);
        }

        var inner = tree.Properties.SelectMany(property => Costs(property.Value, $"{path}.{property.Key}", count));
        if (tree.Items is not null)
            inner = inner.Concat(Costs(tree.Items, path + "[]", Times(count, tree.Schema.MaxItems)));
        if (tree.Values is not null)
            inner = inner.Concat(Costs(tree.Values, path + "[*]", Times(count, tree.Schema.MaxProperties)));
        foreach (var cost in inner)
            yield return cost;
    }

    private static ulong? Times(ulong? count, long? most) => count is { } known && most is { } limit ? Range.Multiply(known, (ulong)limit) : null;

    // Quantities (1.29), sets, optionals (1.29), addresses (1.31), formats (1.32), format() and variables of one's own.
    [GeneratedRegex(@"\b(quantity|isQuantity|ip|isIP|cidr|isCIDR|format|semver|bind)\s*\(|\bsets\.|\?\.|\[\?|\boptional\.")]
    private static partial Regex LaterThan128();

    [GeneratedRegex("'[^']*'")]
    private static partial Regex Quoted();
}
