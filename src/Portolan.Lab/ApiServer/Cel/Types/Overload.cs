using Portolan.Lab.ApiServer.Cel.Estimation;

namespace Portolan.Lab.ApiServer.Cel.Types;

/// <summary>One form of a function: the types it takes and gives, what it does, and what that costs.</summary>
/// <param name="Function">The name it is called by.</param>
/// <param name="IsMember">Called as <c>a.f(b)</c>; the first parameter is then the target.</param>
/// <param name="Parameters">May hold <see cref="CelKind.Parameter"/> types.</param>
/// <param name="Result">What it gives.</param>
/// <param name="Body">Gets values of the parameters' types, none of them an error; gives a value or an error.</param>
/// <param name="Cost">The rule by which it is charged.</param>
internal sealed record Overload(string Function, bool IsMember, IReadOnlyList<CelType> Parameters, CelType Result, Func<object[], object> Body, CallCost Cost);
