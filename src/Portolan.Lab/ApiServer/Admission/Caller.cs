using Portolan.Lab.ApiServer.Auth;

namespace Portolan.Lab.ApiServer.Admission;

/// <summary>Whose request is being answered. Writes that the server makes of its own accord have none, and no webhook is asked about them.</summary>
/// <param name="Identity">Who it is.</param>
/// <param name="Warn">Adds a <c>Warning</c> header to the answer; only before the answer begins.</param>
internal sealed record Caller(Identity Identity, Action<string> Warn);
