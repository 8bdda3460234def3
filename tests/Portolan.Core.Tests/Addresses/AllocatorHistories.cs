using CsCheck;

namespace Portolan.Core.Tests.Addresses;

/// <summary>
/// Random histories: Services are made, edited, deleted, change their type and their class; pools are made, renamed, split, narrowed, broken and
/// mended; Namespaces change their labels; statuses are written late and in any order; the controller dies at any point. At every moment the
/// promises hold, as the <see cref="AddressOracle"/> reads them from the contract.
/// </summary>
public sealed class AllocatorHistories
{
    [Contract("§2 kept: restart")]
    [Contract("§3.3 order")]
    [Fact]
    public void PromisesHoldAtEveryMoment() => Gen.Int.Array[1, 70].Sample(Play, iter: 800);

    private static void Play(int[] history)
    {
        var world = new SmallWorld();
        foreach (var seed in history)
            world.Step(new Random(seed));
        world.Restart();
        world.WriteAll();
        world.RestartChangesNothing();
    }
}
