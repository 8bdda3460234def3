using Portolan.Rig;

namespace Portolan.Soak.Layer2;

/// <summary>Services whose only endpoint is on the lab's control host: how soon Kubernetes notices that pods are dead is no part of what is measured.</summary>
internal static class EndpointObjects
{
    /// <summary>The endpoint's port.</summary>
    public const int Port = 8080;

    /// <summary>A Service of type LoadBalancer with a wanted address.</summary>
    public static string Service(string name, string address) => $$"""
        apiVersion: v1
        kind: Service
        metadata: {name: {{name}}, annotations: {metallb.io/loadBalancerIPs: {{address}} } }
        spec: {type: LoadBalancer, ports: [{port: 80, targetPort: {{Port}} }]}
        ---
        {{Slice(name)}}
        """;

    /// <summary>A Service whose address the proxies forward and nobody of ours announces.</summary>
    public static string Unannounced(string name, string address) => $$"""
        apiVersion: v1
        kind: Service
        metadata: {name: {{name}} }
        spec: {externalIPs: [{{address}}], ports: [{port: 80, targetPort: {{Port}} }]}
        ---
        {{Slice(name)}}
        """;

    private static string Slice(string service) => $$"""
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: {{service}}-1, labels: {kubernetes.io/service-name: {{service}} } }
        addressType: IPv4
        endpoints: [{addresses: [{{LabCluster.ControlAddress}}], conditions: {ready: true} }]
        ports: [{port: {{Port}}, protocol: TCP}]
        """;
}
