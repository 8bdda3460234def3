using CsCheck;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;

namespace Portolan.Core.Tests.Announcements;

public sealed class AddressOrderTests
{
    private static readonly IpAddress Address = IpAddress.Parse("192.168.100.240");

    // Each step names the nodes that are there from then on; after each a random set is asked for.
    [Fact]
    public void FindsTheFirstOfAnySet_WhateverNodesCameAndWent() =>
        Gen.Select(Gen.Int[0, 90].Array[0, 100], Gen.Int[0, 3], Gen.Int[0, 10]).Array[1, 12].Sample(steps =>
        {
            var nodes = new NodeTable();
            var order = new AddressOrder(Address, nodes);
            foreach (var (present, modulus, few) in steps)
            {
                List<int> added = [], removed = [];
                nodes.Update([.. present.Distinct().Select(number => Given.Node($"node{number}"))], added, removed);
                removed.ForEach(order.Removed);
                added.ForEach(order.Added);
                var set = new bool[nodes.Bound];
                foreach (var number in nodes.ByName.Where((_, i) => modulus == 0 ? i < few : i % modulus == 0))
                    set[number] = true;
                var expected = nodes.ByName.Where(number => set[number]).Select(number => nodes[number]!.Name).Order(Comparer<string>.Create((a, b) => NodeOrder.Compare(a, b, "#" + Address))).FirstOrDefault();
                Assert.Equal(expected, NameOf(order.First(set, set.Count(member => member))));
                Assert.Equal(expected, NameOf(order.First(set, and: set)));
            }

            string? NameOf(int number) => number < 0 ? null : nodes[number]!.Name;
        }, iter: 200, threads: 1);

    [Fact]
    public void NumbersStayWhileTheirNodesAreThere_AndAreUsedAgain()
    {
        var nodes = new NodeTable();
        nodes.Update([Given.Node("b"), Given.Node("a"), Given.Node("c")], [], []);
        var (a, c) = (nodes.Find("a"), nodes.Find("c"));
        nodes.Update([Given.Node("c"), Given.Node("d"), Given.Node("a")], [], []);
        Assert.Equal((a, c), (nodes.Find("a"), nodes.Find("c")));
        Assert.Equal(-1, nodes.Find("b"));
        Assert.Equal(["a", "c", "d"], nodes.ByName.Select(number => nodes[number]!.Name));
        nodes.Update([Given.Node("a"), Given.Node("c"), Given.Node("d"), Given.Node("e")], [], []);
        Assert.Equal(4, nodes.Bound);
    }
}
