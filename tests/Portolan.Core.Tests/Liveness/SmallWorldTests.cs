namespace Portolan.Core.Tests.Liveness;

/// <summary>
/// Every way in which a few faults can meet in a small cluster. It can fail, and did: with a <c>Judge</c> that never acts alone an address stays away for
/// good, with one that believes for ever what a speaker said before it died too, for seconds.
/// </summary>
public sealed class SmallWorldTests
{
    private const long Millisecond = 1_000;

    // The slower observer's 300 ms, 20 ms for the word of another, and what a message takes.
    private const long Takeover = 325 * Millisecond;

    private static readonly bool IsLong = Environment.GetEnvironmentVariable("PORTOLAN_TEST_LONG") == "1";

    [Theory]
    [InlineData(2, 3)]
    [InlineData(3, 2)]
    [InlineData(4, 2)]
    public void AnAddressIsTakenOverWithinTheDetectionTime_WhateverNodesFailAndReturn(int nodes, int faults) =>
        Explore(new Dangers(nodes, faults + (IsLong ? 1 : 0), Losses: 0, CutsPairs: false), Takeover);

    [Theory]
    [InlineData(2, 2, 1)]
    [InlineData(3, 1, 2)]
    [InlineData(3, 2, 1)]
    public void AnAddressIsTakenOverASecondLaterAtMost_WhenNewsAreLost(int nodes, int faults, int losses) =>
        Explore(new Dangers(nodes, faults + (IsLong && nodes == 2 ? 1 : 0), losses + (IsLong && faults == 1 ? 1 : 0), CutsPairs: false), Takeover + 1_010 * Millisecond);

    [Theory]
    [InlineData(3, 2, 0)]
    [InlineData(3, 1, 2)]
    [InlineData(4, 1, 1)]
    public void AnAddressIsTakenOverWithinTwoSeconds_WhenWaysBetweenNodesAreBrokenToo(int nodes, int faults, int losses) =>
        Explore(new Dangers(nodes, faults + (IsLong ? 1 : 0), losses, CutsPairs: true), 2_000 * Millisecond);

    private static void Explore(Dangers dangers, long bound)
    {
        var choices = new Choices();
        do
        {
            var world = new SmallWorld(choices, dangers);
            world.Run();
            if (world.Longest > bound)
                Assert.Fail($"no announcer for {world.Longest / Millisecond} ms, {bound / Millisecond} allowed: {world.Story}");
        }
        while (choices.TryNext());
        TestContext.Current.TestOutputHelper?.WriteLine($"{dangers}: {choices.Runs} runs");
    }
}
