using System.Text;

namespace Portolan.Fuzz;

/// <summary>What must be there for requests to get beyond "not found"; made anew when mutations have taken it away.</summary>
internal static class Seeds
{
    private static readonly (string Path, string Body)[] Objects =
    [
        ("/api/v1/namespaces", """{"metadata":{"name":"fuzz"}}"""),
        ("/api/v1/namespaces/fuzz/serviceaccounts", """{"metadata":{"name":"default"}}"""),
        ("/api/v1/namespaces/fuzz/configmaps", """{"metadata":{"name":"kept","labels":{"a":"b"}},"data":{"k":"v"}}"""),
        ("/api/v1/namespaces/fuzz/services", """{"metadata":{"name":"web"},"spec":{"ports":[{"name":"http","port":80}],"selector":{"app":"web"}}}"""),
        ("/api/v1/namespaces/fuzz/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}"""),
        ("/apis/apps/v1/namespaces/fuzz/deployments", """{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}"""),
        ("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", """{"metadata":{"name":"gadgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"gadgets","singular":"gadget","kind":"Gadget"},"versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{},"scale":{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.replicas"}},"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"name":{"type":"string","maxLength":20,"pattern":"^[a-z]+$"},"replicas":{"type":"integer","minimum":0},"list":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","required":["k"],"properties":{"k":{"type":"string"},"v":{"x-kubernetes-int-or-string":true}}}},"free":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}},"status":{"type":"object","properties":{"replicas":{"type":"integer"}}}}}}}]}}"""),
        ("/apis/example.com/v1/namespaces/fuzz/gadgets", """{"apiVersion":"example.com/v1","kind":"Gadget","metadata":{"name":"g"},"spec":{"name":"abc","replicas":1,"list":[{"k":"a","v":1}]}}"""),
    ];

    /// <summary>What is there already stays.</summary>
    public static async Task PlantAsync(RequestConnection connection)
    {
        foreach (var (path, body) in Objects) await connection.SendAsync($"POST {path}\nContent-Type: application/json", Encoding.UTF8.GetBytes(body));
    }
}
