using System.Text.Json;

namespace Portolan.Lab.ApiServer.Tables;

/// <summary>Rows of the core kinds other than pods.</summary>
internal static class CorePrinters
{
    public static RowPrinter Service { get; } = new(
        [
            RowPrinter.Name, RowPrinter.Column("Type"), RowPrinter.Column("Cluster-IP"), RowPrinter.Column("External-IP"), RowPrinter.Column("Port(s)"),
            RowPrinter.Age, RowPrinter.Wide("Selector"),
        ],
        (service, cells) =>
        {
            var spec = service.At("spec");
            var addresses = spec.At("clusterIPs").Items();
            cells.Text(service.Name());
            cells.Text(spec.At("type").Str());
            cells.TextOrNone(addresses.Count > 0 ? addresses[0].Str() : spec.At("clusterIP").Str());
            cells.Text(ExternalAddresses(service));
            cells.TextOrNone(string.Join(',', spec.At("ports").Items().Select(Port)));
            cells.Age(service);
            cells.Text(spec.At("selector").Labels());
        });

    public static RowPrinter Node { get; } = new(
        [
            RowPrinter.Name, RowPrinter.Column("Status"), RowPrinter.Column("Roles"), RowPrinter.Age, RowPrinter.Column("Version"),
            RowPrinter.Wide("Internal-IP"), RowPrinter.Wide("External-IP"), RowPrinter.Wide("OS-Image"), RowPrinter.Wide("Kernel-Version"), RowPrinter.Wide("Container-Runtime"),
        ],
        (node, cells) =>
        {
            var info = node.At("status", "nodeInfo");
            cells.Text(node.Name());
            cells.Text(NodeStatus(node));
            cells.TextOrNone(string.Join(',', NodeRoles(node).Order(StringComparer.Ordinal)));
            cells.Age(node);
            cells.Text(info.At("kubeletVersion").Str());
            cells.TextOrNone(NodeAddress(node, "InternalIP"));
            cells.TextOrNone(NodeAddress(node, "ExternalIP"));
            cells.Text(OrUnknown(info.At("osImage").Str()));
            cells.Text(OrUnknown(info.At("kernelVersion").Str()));
            cells.Text(OrUnknown(info.At("containerRuntimeVersion").Str()));
        });

    public static RowPrinter Namespace { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("Status"), RowPrinter.Age],
        (ns, cells) =>
        {
            cells.Text(ns.Name());
            cells.Text(ns.At("status", "phase").Str());
            cells.Age(ns);
        });

    public static RowPrinter Endpoints { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("Endpoints"), RowPrinter.Age],
        (endpoints, cells) =>
        {
            var all = new List<string>();
            foreach (var subset in endpoints.At("subsets").Items())
            {
                var ports = subset.At("ports").Items();
                var addresses = subset.At("addresses").Items().Select(address => address.At("ip").Str());
                if (ports.Count == 0)
                    all.AddRange(addresses);
                else
                    all.AddRange(ports.SelectMany(_ => addresses, (port, address) => HostPort(address, port.At("port").Int())));
            }

            cells.Text(endpoints.Name());
            cells.Text(Reading.Few(all, "<none>"));
            cells.Age(endpoints);
        });

    public static RowPrinter ConfigMap { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("Data"), RowPrinter.Age],
        (map, cells) =>
        {
            cells.Text(map.Name());
            cells.Number(map.At("data").Count() + map.At("binaryData").Count());
            cells.Age(map);
        });

    public static RowPrinter Secret { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("Type"), RowPrinter.Column("Data"), RowPrinter.Age],
        (secret, cells) =>
        {
            cells.Text(secret.Name());
            cells.Text(secret.At("type").Str());
            cells.Number(secret.At("data").Count());
            cells.Age(secret);
        });

    public static RowPrinter ServiceAccount { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("Secrets"), RowPrinter.Age],
        (account, cells) =>
        {
            cells.Text(account.Name());
            cells.Number(account.At("secrets").Count());
            cells.Age(account);
        });

    private static string ExternalAddresses(JsonElement service)
    {
        var spec = service.At("spec");
        var external = spec.At("externalIPs").Items().Select(address => address.Str());
        switch (spec.At("type").Str())
        {
            case "ExternalName":
                return spec.At("externalName").Str();
            case "LoadBalancer":
                var assigned = service.At("status", "loadBalancer", "ingress").Items()
                    .Select(ingress => ingress.At("ip").Str() is { Length: > 0 } ip ? ip : ingress.At("hostname").Str())
                    .Where(address => address.Length > 0).Distinct().Order(StringComparer.Ordinal);
                var all = string.Join(',', assigned.Concat(external));
                return all.Length == 0 ? "<pending>" : all;
            default:
                var given = string.Join(',', external);
                return given.Length == 0 ? "<none>" : given;
        }
    }

    private static string Port(JsonElement port)
    {
        var nodePort = port.At("nodePort").Int();
        var number = port.At("port").Int();
        var protocol = port.At("protocol").Str();
        return nodePort > 0 ? $"{number}:{nodePort}/{protocol}" : $"{number}/{protocol}";
    }

    private static string NodeStatus(JsonElement node)
    {
        var ready = node.At("status", "conditions").Items().Where(condition => condition.At("type").Str() == "Ready").ToList();
        var status = ready.Count == 0 ? "Unknown" : ready[^1].At("status").Str() == "True" ? "Ready" : "NotReady";
        return node.At("spec", "unschedulable").IsTrue() ? status + ",SchedulingDisabled" : status;
    }

    private static IEnumerable<string> NodeRoles(JsonElement node)
    {
        const string Prefix = "node-role.kubernetes.io/";
        foreach (var label in node.At("metadata", "labels").Members())
        {
            if (label.Name.StartsWith(Prefix, StringComparison.Ordinal) && label.Name.Length > Prefix.Length)
                yield return label.Name[Prefix.Length..];
            else if (label.Name == "kubernetes.io/role" && label.Value.Str().Length > 0)
                yield return label.Value.Str();
        }
    }

    private static string NodeAddress(JsonElement node, string type)
    {
        foreach (var address in node.At("status", "addresses").Items())
        {
            if (address.At("type").Str() == type)
                return address.At("address").Str();
        }

        return "";
    }

    private static string HostPort(string host, long port) =>
        host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{port}" : $"{host}:{port}";

    private static string OrUnknown(string text) => text.Length == 0 ? "<unknown>" : text;
}
