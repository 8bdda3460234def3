using Portolan.Lab.Nodes.Logs;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>A container as those who read its log or join it see it.</summary>
/// <param name="Live">Null while it does not run.</param>
/// <param name="Log">Of the life that runs or ran last; null before the first.</param>
/// <param name="PreviousLog">Of the life before that.</param>
/// <param name="StdinOnce">Its input ends with the first client that had it.</param>
/// <param name="WaitingFor">Why it does not run yet.</param>
internal sealed record ContainerView(LiveContainer? Live, ContainerLog? Log, ContainerLog? PreviousLog, bool StdinOnce, string? WaitingFor);
