using CsCheck;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Announcements;

public sealed class AnnouncementIndexTests
{
    private sealed record Step(string Name, Action<AnnouncementIndex> Apply, EndpointSliceFacts? Slice = null);

    private static readonly Gen<ServiceFacts> Services = Gen.Select(Gen.Int[1, 4], Gen.Int[0, 3], Gen.Bool, (name, address, local) =>
        Given.Service(address == 0 ? [] : [$"192.168.100.{239 + address}"]) with
        {
            Key = new ObjectKey("default", $"web{name}"),
            ExternalTrafficPolicy = local ? TrafficPolicy.Local : TrafficPolicy.Cluster,
        });

    private static readonly Gen<EndpointSliceFacts> Slices = Gen.Select(Gen.Int[1, 5], Gen.Int[1, 4], Gen.Int[1, 3].Array[0, 3], Gen.Bool, (slice, service, nodes, ready) =>
        new EndpointSliceFacts
        {
            Key = new ObjectKey("default", $"slice{slice}"),
            Service = new ObjectKey("default", $"web{service}"),
            Endpoints = [.. nodes.Select(node => Given.Endpoint($"node{node}", ready, ready))],
        });

    private static readonly Gen<AnnouncementContext> Contexts = Gen.Select(Gen.Int[1, 3].Array[0, 3], Gen.Bool, (living, advertised) =>
        Given.Context with
        {
            LivingSpeakers = living.Select(node => $"node{node}").ToHashSet(),
            Advertisements = advertised ? Given.Context.Advertisements : [],
        });

    private static readonly Gen<Step> Steps = Gen.OneOf(
        Services.Select(service => new Step($"set {service.Key}", index => index.Set(service))),
        Gen.Int[1, 4].Select(name => new Step($"remove web{name}", index => index.RemoveService(new ObjectKey("default", $"web{name}")))),
        Slices.Select(slice => new Step($"set {slice.Key} of {slice.Service}", index => index.Set(slice), slice)),
        Gen.Int[1, 5].Select(name => new Step($"remove slice{name}", index => index.RemoveSlice(new ObjectKey("default", $"slice{name}")))),
        Contexts.Select(context => new Step("context", index => index.Set(context))));

    [Fact]
    public void HoldsTheSamePlans_WhateverTheHistory() =>
        Steps.Array[0, 40].Sample(steps =>
        {
            var incremental = new AnnouncementIndex();
            foreach (var step in steps)
                step.Apply(incremental);

            // From scratch: the last word on each object, in another order.
            var fresh = new AnnouncementIndex();
            foreach (var step in steps.Where(step => step.Name != "context"))
                step.Apply(fresh);
            if (steps.LastOrDefault(step => step.Name == "context") is { } context)
                context.Apply(fresh);
            Assert.Equal(Sorted(fresh), Sorted(incremental));
            foreach (var (key, plan) in incremental.Plans)
            {
                Assert.True(incremental.TryGetService(key, out var service));
                Assert.Equal(plan, AnnouncementPlan.For(service, SlicesOf(key, steps), incremental.Context));
            }
        }, iter: 500, threads: 1);

    [Fact]
    public void ReportsOnlyWhatChanged()
    {
        var index = new AnnouncementIndex();
        Assert.Empty(index.Set(Given.Context));
        Assert.Equal([Given.Web], index.Set(Given.Service("192.168.100.240")));
        Assert.Equal([Given.Web], index.Set(Given.Slice(Given.Endpoint("node1"))));
        Assert.Empty(index.Set(Given.Slice(Given.Endpoint("node2")))); // the endpoint moved, the announcement did not
        Assert.Empty(index.Set(Given.Service("192.168.100.240") with { Labels = new Dictionary<string, string> { ["new"] = "label" } }));
        Assert.Equal([Given.Web], index.RemoveService(Given.Web));
        Assert.Empty(index.Plans);
    }

    private static List<AnnouncementPlan> Sorted(AnnouncementIndex index) => [.. index.Plans.Values.OrderBy(plan => plan.Service)];

    // What the steps left of a Service's slices, told from the steps alone.
    private static List<EndpointSliceFacts> SlicesOf(ObjectKey service, Step[] steps)
    {
        var all = new Dictionary<string, EndpointSliceFacts>();
        foreach (var step in steps)
        {
            if (step.Slice is { } slice)
                all[slice.Key.Name] = slice;
            else if (step.Name.StartsWith("remove slice", StringComparison.Ordinal))
                all.Remove(step.Name["remove ".Length..]);
        }

        return [.. all.Values.Where(slice => slice.Service == service).OrderBy(slice => slice.Key)];
    }
}
