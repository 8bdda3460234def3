using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Portolan.Lab.ApiServer.Resources;

namespace Portolan.Lab.ApiServer.Admission;

/// <summary>What a webhook is shown of a request to connect: its query parameters, as the options kind of the subresource.</summary>
internal static class ConnectOptions
{
    private static readonly string[] Streams = ["stdin", "stdout", "stderr", "tty"];

    /// <returns>Null when the subresource is not one to connect to.</returns>
    public static AdmissionRequest? Request(Target target, Caller caller, IQueryCollection query)
    {
        var kind = (target.Subresource, target.Storage) switch
        {
            ("exec", _) => "PodExecOptions",
            ("attach", _) => "PodAttachOptions",
            ("portforward", _) => "PodPortForwardOptions",
            ("proxy", "pods") => "PodProxyOptions",
            ("proxy", "services") => "ServiceProxyOptions",
            ("proxy", "nodes") => "NodeProxyOptions",
            _ => null,
        };
        if (kind is null) return null;
        var options = new JsonObject { ["kind"] = kind, ["apiVersion"] = "v1" };
        if (target.Subresource is "exec" or "attach")
        {
            foreach (var stream in Streams)
                if (query[stream].ToString() is "true" or "1")
                    options[stream] = true;
            if (query["container"].ToString() is { Length: > 0 } container) options["container"] = container;
        }

        if (target.Subresource == "exec") options["command"] = JsonText.Strings(query["command"].Select(c => c ?? ""));
        if (target.Subresource == "portforward" && query["ports"] is { Count: > 0 } ports)
            options["ports"] = new JsonArray([.. ports.SelectMany(p => (p ?? "").Split(',')).Where(p => int.TryParse(p, out _)).Select(p => (JsonNode)int.Parse(p))]);
        return new(AdmissionOperation.Connect, target, caller) { BodyKind = ("", "v1", kind), Object = options };
    }
}
