using Portolan.Lab.ApiServer.Cel.Library;
using Portolan.Lab.ApiServer.Cel.Types;

namespace Portolan.Lab.ApiServer.Cel;

/// <summary>A variable an expression may use.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Data">The JSON it is made of, as far as that bounds its size.</param>
internal readonly record struct CelVariable(CelType Type, DataType? Data)
{
    public CelVariable(DataType data)
        : this(data.Type, data)
    {
    }
}

/// <summary>What expressions may name: variables, and the functions and types that Kubernetes gives them.</summary>
internal sealed class CelEnvironment(IReadOnlyDictionary<string, CelVariable> variables)
{
    public IReadOnlyDictionary<string, CelVariable> Variables => variables;

    public FunctionLibrary Functions => FunctionLibrary.Kubernetes;

    public IReadOnlyDictionary<string, CelType> TypeNames => FunctionLibrary.TypeNames;
}
