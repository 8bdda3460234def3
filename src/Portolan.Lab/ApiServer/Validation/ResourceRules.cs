using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>Resource requirements: no negative amount, no request above its limit.</summary>
internal static class ResourceRules
{
    public static void Check(JsonObject? resources, string path, ErrorList errors)
    {
        var limits = resources.Obj("limits");
        foreach (var list in (string[])["limits", "requests"])
        {
            foreach (var (name, amount) in resources.Obj(list) ?? [])
            {
                var at = $"{path}.{list}[{name}]";
                MetadataRules.CheckEach(at, name, NameRules.QualifiedName, errors);
                if (!Quantity.TryParse(Scalars.AsString(amount), out var value, out _))
                    errors.Invalid(at, amount, Quantity.Rule);
                else if (value.Sign < 0)
                    errors.Invalid(at, amount, "must be greater than or equal to 0");
                else if (list == "requests" && Scalars.AsString(limits?[name]) is { } limit && Quantity.TryParse(limit, out var most, out _) && value > most)
                    errors.Invalid($"{path}.requests", amount, $"must be less than or equal to {name} limit of {limit}");
            }
        }
    }
}
