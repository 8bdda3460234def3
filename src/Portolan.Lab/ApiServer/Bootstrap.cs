using System.Net;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;

namespace Portolan.Lab.ApiServer;

/// <summary>What every cluster has from its first moment: the system namespaces, the Service of the API server itself, the ranges of ClusterIPs and the two system priorities.</summary>
internal sealed class Bootstrap(ServerContext server, ObjectCreation creation, ObjectUpdate update)
{
    private static readonly WriteOptions Options = new(false, FieldValidation.Strict, null, false);

    public async Task RunAsync(ApiServerOptions options, string firstServiceAddress, CancellationToken cancellation)
    {
        foreach (var name in (string[])["default", "kube-system", "kube-public", "kube-node-lease"])
            await EnsureAsync("", "namespaces", null, new() { ["metadata"] = new JsonObject { ["name"] = name } }, cancellation);
        await EnsureAsync("", "services", "default", new()
        {
            ["metadata"] = new JsonObject { ["name"] = "kubernetes", ["labels"] = new JsonObject { ["component"] = "apiserver", ["provider"] = "kubernetes" } },
            ["spec"] = new JsonObject
            {
                ["type"] = "ClusterIP",
                ["clusterIP"] = firstServiceAddress,
                ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["protocol"] = "TCP", ["port"] = 443, ["targetPort"] = options.Advertised.Port }),
            },
        }, cancellation);
        await EnsureEndpointsAsync(options, cancellation);
        var ranges = options.SecondServiceNetwork is { } second ? (string[])[$"{options.ServiceNetwork}", $"{second}"] : [$"{options.ServiceNetwork}"];
        await EnsureAsync("networking.k8s.io", "servicecidrs", null,
            new() { ["metadata"] = new JsonObject { ["name"] = "kubernetes" }, ["spec"] = new JsonObject { ["cidrs"] = JsonText.Strings(ranges) } }, cancellation);
        foreach (var (name, value) in new[] { ("system-cluster-critical", 2000000000), ("system-node-critical", 2000001000) })
            await EnsureAsync("scheduling.k8s.io", "priorityclasses", null, new() { ["metadata"] = new JsonObject { ["name"] = name }, ["value"] = value }, cancellation);
    }

    private async Task EnsureEndpointsAsync(ApiServerOptions options, CancellationToken cancellation)
    {
        // A loopback address means another host to whoever reads it: endpoints may not name one, and nobody else could use it.
        if (IPAddress.IsLoopback(options.Advertised.Address)) return;
        var address = options.Advertised.Address.ToString();
        var slice = new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "kubernetes", ["labels"] = new JsonObject { ["kubernetes.io/service-name"] = "kubernetes" } },
            ["addressType"] = "IPv4",
            ["endpoints"] = new JsonArray(new JsonObject { ["addresses"] = JsonText.Strings([address]), ["conditions"] = new JsonObject { ["ready"] = true } }),
            ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["port"] = options.Advertised.Port, ["protocol"] = "TCP" }),
        };
        var endpoints = new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "kubernetes", ["labels"] = new JsonObject { ["endpointslice.kubernetes.io/skip-mirror"] = "true" } },
            ["subsets"] = new JsonArray(new JsonObject
            {
                ["addresses"] = new JsonArray(new JsonObject { ["ip"] = address }),
                ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["port"] = options.Advertised.Port, ["protocol"] = "TCP" }),
            }),
        };
        // The address may have changed since last time.
        await EnsureAsync("discovery.k8s.io", "endpointslices", "default", slice, cancellation, ["endpoints", "ports"]);
        await EnsureAsync("", "endpoints", "default", endpoints, cancellation, ["subsets"]);
    }

    private async Task EnsureAsync(string group, string plural, string? ns, JsonObject obj, CancellationToken cancellation, string[]? keepCurrent = null)
    {
        var resource = server.Kinds.Find(group, plural)!;
        var name = (string)obj["metadata"]!["name"]!;
        var target = new Target(resource, resource.StorageKind, ns, name, null);
        if (server.Store.Find(target.Storage, target.Key) is null)
        {
            await creation.CreateAsync(target with { Name = null }, new ParsedBody(obj, []), Options, cancellation);
            return;
        }

        if (keepCurrent is null) return;
        await update.ChangeAsync(target, current =>
        {
            foreach (var field in keepCurrent) current[field] = obj[field]?.DeepClone();
            return current;
        }, Options, cancellation);
    }
}
