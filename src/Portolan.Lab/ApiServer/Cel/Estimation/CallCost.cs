namespace Portolan.Lab.ApiServer.Cel.Estimation;

/// <summary>The size of an operand: characters of a text, bytes, items, entries; 1 for everything else.</summary>
/// <param name="Size">Of the operand.</param>
/// <param name="Item">Of the items, when it is a list of texts; otherwise 0.</param>
internal readonly record struct Measure(Range Size, Range Item);

/// <summary>What a call costs beside its operands, and how large its result is; null when nothing is known of that.</summary>
internal readonly record struct CallEstimate(Range Cost, Range? Result = null);

/// <summary>
/// The rule by which a call is charged, in Kubernetes' units. One rule serves the estimate, from ranges of sizes, and the count at run time, from the
/// sizes found, so that the count stays within the estimate.
/// </summary>
internal sealed class CallCost(Func<ReadOnlySpan<Measure>, CallEstimate> rule, bool looksAtItems = false)
{
    /// <summary>Reading a character.</summary>
    private const double PerCharacter = 0.1;

    /// <summary>A character of a regular expression: a state is about four of them.</summary>
    private const double PerPatternCharacter = 0.25;

    public static CallCost One { get; } = new(static _ => new(Range.One));

    /// <summary>Operators whose operands are all there is to pay for.</summary>
    public static CallCost Nothing { get; } = new(static _ => new(Range.Zero));

    public static CallCost Compare { get; } = new(static operands =>
    {
        var most = Math.Min(operands[0].Size.Max, operands[1].Size.Max);
        return new(new Range(most > 0 ? 1UL : 0, most) * PerCharacter);
    });

    public static CallCost ReadFirst { get; } = new(static operands => new(operands[0].Size * PerCharacter, operands[0].Size));

    public static CallCost ReadFirstTwice { get; } = new(static operands => new(operands[0].Size * (2 * PerCharacter)));

    public static CallCost ReadSecond { get; } = new(static operands => new(operands[1].Size * PerCharacter));

    public static CallCost InList { get; } = new(static operands => new(operands[1].Size));

    public static CallCost Contains { get; } = new(static operands => new(operands[0].Size * PerCharacter * (operands[1].Size * PerCharacter)));

    public static CallCost Match { get; } = new(static operands => new(MatchCost(operands)));

    public static CallCost Find { get; } = new(static operands => new(MatchCost(operands), Range.UpTo(operands[0].Size.Max)));

    public static CallCost AddText { get; } = new(static operands => new((operands[0].Size + operands[1].Size) * PerCharacter, operands[0].Size + operands[1].Size));

    public static CallCost AddLists { get; } = new(static operands => new(Range.One, operands[0].Size + operands[1].Size));

    public static CallCost ToBytes { get; } = new(static operands =>
        new(operands[0].Size * PerCharacter, new Range(operands[0].Size.Min, Range.Multiply(operands[0].Size.Max, 4))));

    public static CallCost FromBytes { get; } = new(static operands => new(operands[0].Size * PerCharacter, new Range(operands[0].Size.Min / 4, operands[0].Size.Max)));

    public static CallCost Quote { get; } = new(static operands =>
        new(operands[0].Size * PerCharacter, operands[0].Size * new Range(1, 2) + Range.Exactly(2)));

    public static CallCost ScanList { get; } = new(static operands => new(operands[0].Size * (Range.One + operands[0].Item * PerCharacter)), looksAtItems: true);

    public static CallCost Replace { get; } = new(static operands => new(operands[0].Size * (2 * PerCharacter), Replaced(operands[0].Size, operands[1].Size, operands[2].Size)));

    public static CallCost Split { get; } = new(static operands => new(operands[0].Size * (2 * PerCharacter), Range.UpTo(Range.Add(operands[0].Size.Max, 1))));

    public static CallCost Join { get; } = new(
        static operands =>
        {
            var (list, item) = (operands[0].Size, operands[0].Item);
            var separators = new Range(list.Min == 0 ? 0 : list.Min - 1, list.Max == 0 ? 0 : list.Max - 1);
            var joined = list * item + (operands.Length > 1 ? operands[1].Size * separators : Range.Zero);
            return new(joined * PerCharacter, joined);
        },
        looksAtItems: true);

    /// <summary>Each element of one with each of the other.</summary>
    public static CallCost Pairs { get; } = new(static operands => new(operands[0].Size * operands[1].Size + Range.One));

    public static CallCost PairsTwice { get; } = new(static operands => new(operands[0].Size * operands[1].Size * 2 + Range.One));

    /// <summary>Comparing prefixes of 4 or 16 bytes.</summary>
    public static CallCost ComparePrefix { get; } = new(static _ => new(new Range(1, 4)));

    public static CallCost ParseAndComparePrefix { get; } = new(static operands => new(new Range(1, 6) + operands[1].Size * PerCharacter));

    /// <summary>An authorizer's check: two of them are all that an expression can pay for.</summary>
    public static CallCost AuthorizationCheck { get; } = new(static _ => new(Range.Exactly(350_000)));

    public bool LooksAtItems => looksAtItems;

    public CallEstimate Of(ReadOnlySpan<Measure> operands) => rule(operands);

    // One more than the text is long, so that an expensive pattern costs something with an empty text, too.
    private static Range MatchCost(ReadOnlySpan<Measure> operands) => (operands[0].Size + Range.One) * PerCharacter * (operands[1].Size * PerPatternCharacter);

    private static Range Replaced(Range text, Range old, Range replacement) => new(
        0,
        old.Min == 0 ? Range.Add(text.Max, Range.Multiply(Range.Add(text.Max, 1), replacement.Max))
        : replacement.Max <= old.Min ? text.Max
        : Range.Add(text.Max, Range.Multiply((text.Max / old.Min) + 1, replacement.Max)));
}
