/// <summary>Names the row of docs/metallb-contract.md or docs/proxy-contract.md that a test is for.</summary>
/// <param name="row">The row's first cell.</param>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class, AllowMultiple = true)]
internal sealed class ContractAttribute(string row) : Attribute
{
    public string Row { get; } = row;
}
