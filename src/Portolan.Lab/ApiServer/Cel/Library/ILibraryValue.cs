using Portolan.Lab.ApiServer.Cel.Types;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>A value of a type that a library brings: a quantity, an address, a version. Equality is that of .NET.</summary>
internal interface ILibraryValue
{
    CelType Type { get; }
}
