using Portolan.Protocols.Bfd;

namespace Portolan.Bfd;

/// <summary>A session that is to be held, and how.</summary>
/// <param name="Name">With whom.</param>
/// <param name="Settings">Intervals and multiplier.</param>
/// <param name="Key">Signs and checks its packets; null: no authentication.</param>
internal readonly record struct SessionWish(SessionName Name, BfdSettings Settings, BfdKey? Key);
