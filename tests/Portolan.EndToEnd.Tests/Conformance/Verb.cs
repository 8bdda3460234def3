namespace Portolan.EndToEnd.Tests.Conformance;

/// <summary>One thing that people do with a client, and what the client then prints.</summary>
/// <param name="Name">The row of the table.</param>
/// <param name="Script">
/// A script for bash, which must succeed. <c>k</c> is the client in a namespace of its own; <c>refused COMMAND</c> succeeds when the command fails; <c>until_it COMMAND</c> tries again for a while.
/// </param>
/// <param name="Prints">What both streams of the script hold together: a regular expression.</param>
internal sealed record Verb(string Name, string Script, string Prints)
{
    /// <summary>The first minor version of kubectl that has it; older ones are held to not having it.</summary>
    public int Since { get; init; }

    /// <summary>What older ones say instead: a regular expression.</summary>
    public string OlderPrints { get; init; } = "";

    /// <summary>What the table says of older ones.</summary>
    public string OlderNote { get; init; } = "";

    /// <summary>What the lab does not have, said by the table and held by <see cref="Prints"/>; null when it has it.</summary>
    public string? NotOffered { get; init; }
}
