using System.Net.Sockets;
using System.Runtime.InteropServices;
using Portolan.Linux.Xtables;

namespace Portolan.Linux.Tests.Xtables;

public sealed class XtTableTests
{
    private static (byte[] Info, byte[] Bytes) Nat(AddressFamily family) => new TableBytes(family)
        .BuiltIn(0, -2, "KUBE-SERVICES", "DOCKER")
        .BuiltIn(1, -2)
        .BuiltIn(3, -2, "", "KUBE-SERVICES")
        .BuiltIn(4, -1, "KUBE-POSTROUTING", "")
        .User("DOCKER", "", "")
        .User("KUBE-POSTROUTING", "")
        .User("KUBE-SEP-1", "", "")
        .User("KUBE-SERVICES", "KUBE-SVC-1")
        .User("KUBE-SVC-1", "KUBE-SEP-1")
        .User("CNI", "DOCKER")
        .Build();

    private static (byte[] Info, byte[] Bytes) Others(AddressFamily family) => new TableBytes(family)
        .BuiltIn(0, -2, "DOCKER").BuiltIn(1, -2).BuiltIn(3, -2, "").BuiltIn(4, -1, "").User("DOCKER", "", "").User("CNI", "DOCKER").Build();

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public void ReadsChainsAndJumps(AddressFamily family)
    {
        var (info, bytes) = Nat(family);
        var table = XtTable.TryParse(family, info, bytes)!;
        Assert.Equal(["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING", "DOCKER", "KUBE-POSTROUTING", "KUBE-SEP-1", "KUBE-SERVICES", "KUBE-SVC-1", "CNI"], table.Chains);
        Assert.Equal(
            ["PREROUTING→KUBE-SERVICES", "PREROUTING→DOCKER", "OUTPUT→KUBE-SERVICES", "POSTROUTING→KUBE-POSTROUTING", "KUBE-SERVICES→KUBE-SVC-1", "KUBE-SVC-1→KUBE-SEP-1", "CNI→DOCKER"],
            table.Jumps.Select(jump => $"{jump.From}→{jump.To}"));
        Assert.True(table.Drops("POSTROUTING"));
        Assert.False(table.Drops("PREROUTING"));
        Assert.False(table.Drops("FORWARD"));
    }

    /// <summary>What is left is what the kernel would have made of the others' rules alone: every offset is another.</summary>
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public void TakesChainsOut(AddressFamily family)
    {
        var (info, bytes) = Nat(family);
        var table = XtTable.TryParse(family, info, bytes)!;
        var chains = table.Chains.Where(chain => chain.StartsWith("KUBE-", StringComparison.Ordinal)).ToHashSet();
        var rules = table.Jumps.Where(jump => !chains.Contains(jump.From) && chains.Contains(jump.To)).Select(jump => jump.Entry).ToHashSet();
        var replacement = table.Without(rules, chains);
        var (wantedInfo, wanted) = Others(family);
        Assert.Equal(wanted, replacement.Bytes);
        Assert.Equal(MemoryMarshal.Cast<byte, int>(wantedInfo.AsSpan(36, 20)).ToArray(), replacement.HookEntries);
        Assert.Equal(MemoryMarshal.Cast<byte, int>(wantedInfo.AsSpan(56, 20)).ToArray(), replacement.Underflows);
        Assert.Equal(replacement.Kept.Count, XtTable.TryParse(family, wantedInfo, wanted)!.Count);
        Assert.Equal(bytes, table.Without(new HashSet<int>(), new HashSet<string>()).Bytes);
        Assert.Throws<ArgumentException>(() => table.Without(new HashSet<int>(), chains));
    }

    /// <summary>Whatever the bytes: no exception, and what is understood can be written again as it was.</summary>
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public void BearsAnyBytes(AddressFamily family)
    {
        var (info, bytes) = Nat(family);
        var random = new Random(20250);
        var understood = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var (otherInfo, other) = (info.ToArray(), bytes.ToArray());
            for (var changes = random.Next(1, 6); changes > 0; changes--)
            {
                var target = random.Next(4) == 0 ? otherInfo : other;
                var at = random.Next(target.Length);
                target[at] = random.Next(3) switch { 0 => 0, 1 => (byte)random.Next(256), _ => (byte)(target[at] ^ (1 << random.Next(8))) };
            }

            if (random.Next(10) == 0)
                other = other[..random.Next(other.Length)];
            if (XtTable.TryParse(family, otherInfo, other) is not { } table)
                continue;
            understood++;
            Assert.Equal(other, table.Without(new HashSet<int>(), new HashSet<string>()).Bytes);
            var every = table.Jumps.Select(jump => jump.Entry).ToHashSet();
            Assert.True(table.Without(every, table.Jumps.Select(jump => jump.To).ToHashSet()).Bytes.Length <= other.Length);
        }

        Assert.InRange(understood, 100, 19_900);
    }
}
