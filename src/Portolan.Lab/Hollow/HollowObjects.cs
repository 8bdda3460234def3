using System.Text.Json.Nodes;

using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Hollow;

/// <summary>The objects themselves, as a kubelet, a user and the endpoint slice controller would write them.</summary>
internal static class HollowObjects
{
    /// <summary>On a Service: what it was made for.</summary>
    public const string FormAnnotation = "portolan.dev/hollow-form";

    public static UntypedObject Namespace() => new(new JsonObject { ["metadata"] = new JsonObject { ["name"] = HollowCluster.Namespace, ["labels"] = Label() } });

    public static UntypedObject Node(int number)
    {
        var name = HollowCluster.NodeName(number);
        var range = HollowCluster.PodRange(number);
        var labels = Label();
        labels["kubernetes.io/hostname"] = name;
        labels["kubernetes.io/os"] = "linux";
        return new(new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = labels },
            ["spec"] = new JsonObject
            {
                ["podCIDR"] = range,
                ["podCIDRs"] = new JsonArray((JsonNode)range),
                ["taints"] = new JsonArray(new JsonObject { ["key"] = HollowCluster.TaintKey, ["value"] = HollowCluster.Alive, ["effect"] = "NoSchedule" }),
            },
        });
    }

    public static UntypedObject Service(int number, HollowSize size) => new(new JsonObject
    {
        ["metadata"] = new JsonObject
        {
            ["name"] = HollowCluster.ServiceName(number),
            ["namespace"] = HollowCluster.Namespace,
            ["labels"] = Label(),
            ["annotations"] = new JsonObject { [FormAnnotation] = size.Form },
        },
        ["spec"] = new JsonObject
        {
            ["type"] = size.Type,
            ["ports"] = new JsonArray(new JsonObject { ["name"] = "http", ["protocol"] = "TCP", ["port"] = 80, ["targetPort"] = HollowCluster.Port(number) }),
        },
    });

    /// <param name="number">The Service's.</param>
    /// <param name="size">How many endpoints, on how many nodes.</param>
    /// <param name="service">The Service as created: its owner, so that the slice goes when it goes.</param>
    public static UntypedObject EndpointSlice(int number, HollowSize size, UntypedObject service)
    {
        var labels = Label();
        labels["kubernetes.io/service-name"] = service.Metadata.Name;
        labels["endpointslice.kubernetes.io/managed-by"] = "hollow.portolan.dev";
        var endpoints = new JsonArray();
        for (var i = 0; i < size.Endpoints; i++)
        {
            var (address, node) = HollowCluster.Endpoint(number, i, size.Endpoints, size.Nodes);
            endpoints.Add((JsonNode)new JsonObject
            {
                ["addresses"] = new JsonArray((JsonNode)address.ToString()),
                ["conditions"] = new JsonObject { ["ready"] = true, ["serving"] = true, ["terminating"] = false },
                ["nodeName"] = node,
            });
        }
        return new(new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["name"] = service.Metadata.Name,
                ["namespace"] = HollowCluster.Namespace,
                ["labels"] = labels,
                ["ownerReferences"] = new JsonArray(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Service", ["name"] = service.Metadata.Name, ["uid"] = service.Metadata.Uid }),
            },
            ["addressType"] = "IPv4",
            ["endpoints"] = endpoints,
            ["ports"] = new JsonArray(new JsonObject { ["name"] = "http", ["protocol"] = "TCP", ["port"] = HollowCluster.Port(number) }),
        });
    }

    private static JsonObject Label() => new() { [HollowCluster.Label] = HollowCluster.Alive };
}
