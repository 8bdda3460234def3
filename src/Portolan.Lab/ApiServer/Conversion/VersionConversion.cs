using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Conversion;

/// <summary>Turns objects of a custom kind from one of its versions into another.</summary>
internal sealed class VersionConversion
{
    /// <returns>The object in version <paramref name="to"/>: itself when it is in it already, else a new one.</returns>
    public ValueTask<JsonObject> ConvertAsync(JsonObject obj, KindSchema to, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (obj.Text("apiVersion") == to.ApiVersion) return new(obj);
        var converted = (JsonObject)obj.DeepClone();
        converted["apiVersion"] = to.ApiVersion;
        return new(converted);
    }
}
