using System.Text.Json;

namespace Portolan.Lab.ApiServer.Tables;

/// <summary>Rows of certificate signing requests.</summary>
internal static class SigningRequestPrinter
{
    public static RowPrinter Instance { get; } = new(
        [RowPrinter.Name, RowPrinter.Age, RowPrinter.Column("SignerName"), RowPrinter.Column("Requestor"), RowPrinter.Column("RequestedDuration"), RowPrinter.Column("Condition")],
        (request, cells) =>
        {
            var spec = request.At("spec");
            cells.Text(request.Name());
            cells.Age(request);
            cells.Text(spec.At("signerName").Str());
            cells.Text(spec.At("username").Str());
            cells.Text(spec.At("expirationSeconds").Int() is > 0 and var seconds ? HumanDuration.Format(TimeSpan.FromSeconds(seconds)) : "<none>");
            cells.Text(Condition(request.At("status")));
        });

    private static string Condition(JsonElement status)
    {
        var types = new List<string>();
        foreach (var condition in status.At("conditions").Items()) types.Add(condition.At("type").Str());
        if (types.Count == 0) types.Add("Pending");
        if (status.At("certificate").Str().Length > 0) types.Add("Issued");
        return string.Join(',', types);
    }
}
