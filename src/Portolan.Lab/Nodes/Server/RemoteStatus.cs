using System.Globalization;
using System.Text.Json.Nodes;

namespace Portolan.Lab.Nodes.Server;

/// <summary>The <c>v1 Status</c> that ends exec and attach (remote command protocol v4 and later).</summary>
internal static class RemoteStatus
{
    public static JsonObject Success() => new() { ["metadata"] = new JsonObject(), ["status"] = "Success" };

    /// <summary>The command ran, and ended with another status than 0.</summary>
    public static JsonObject Exit(int code) => code == 0 ? Success() : new JsonObject
    {
        ["metadata"] = new JsonObject(),
        ["status"] = "Failure",
        ["message"] = $"command terminated with non-zero exit code: exit status {code}",
        ["reason"] = "NonZeroExitCode",
        ["details"] = new JsonObject
        {
            ["causes"] = new JsonArray(new JsonObject { ["reason"] = "ExitCode", ["message"] = code.ToString(CultureInfo.InvariantCulture) }),
        },
    };

    public static JsonObject Failure(string message) => new()
    {
        ["metadata"] = new JsonObject(),
        ["status"] = "Failure",
        ["message"] = message,
        ["reason"] = "InternalError",
        ["code"] = 500,
    };

    /// <summary>A window size as clients send it: <c>{"Width":80,"Height":24}</c>.</summary>
    public static bool TryParseResize(ReadOnlySpan<byte> json, out Containers.TerminalSize size)
    {
        size = default;
        try
        {
            var reader = new System.Text.Json.Utf8JsonReader(json);
            if (JsonNode.Parse(ref reader) is not JsonObject parsed
                || parsed["Width"]?.AsValue().TryGetValue(out ushort width) != true || parsed["Height"]?.AsValue().TryGetValue(out ushort height) != true)
                return false;
            size = new Containers.TerminalSize(width, height);
            return true;
        }
        catch (Exception wrong) when (wrong is System.Text.Json.JsonException or InvalidOperationException or ArgumentException)
        {
            return false;
        }
    }
}
