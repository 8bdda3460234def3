using Portolan.Core.Addresses;

namespace Portolan.Proxy;

/// <summary>One attempt to bring a family's table to what is wanted.</summary>
/// <param name="Family">The family.</param>
/// <param name="IsWhole">The whole table was compared with the kernel's.</param>
/// <param name="Duration">How long it took.</param>
/// <param name="Succeeded">The kernel took it.</param>
/// <param name="Changes">Messages or elements that were sent; 0: nothing was different, or nothing was taken.</param>
internal readonly record struct TableSync(IpFamily Family, bool IsWhole, TimeSpan Duration, bool Succeeded, int Changes);
