namespace Portolan.Lab.Network.Faults;

/// <summary>What is broken on purpose in a lab at this moment. Hosts in order of their names.</summary>
/// <param name="Off">Hosts without power.</param>
/// <param name="Cut">Hosts whose cables are pulled.</param>
/// <param name="Frozen">Hosts whose processes stand still.</param>
/// <param name="Partition">Groups that cannot talk to each other; empty without a partition.</param>
/// <param name="Loss">Hosts that lose packets.</param>
internal sealed record LabFaults(IReadOnlyList<string> Off, IReadOnlyList<string> Cut, IReadOnlyList<string> Frozen, IReadOnlyList<IReadOnlyList<string>> Partition, IReadOnlyList<PacketLoss> Loss)
{
    /// <summary>Of a host as a whole: <c>off</c>, <c>frozen</c>, <c>cut</c> or <c>up</c>.</summary>
    public string StateOf(string host) => Off.Contains(host) ? "off" : Frozen.Contains(host) ? "frozen" : Cut.Contains(host) ? "cut" : "up";
}
