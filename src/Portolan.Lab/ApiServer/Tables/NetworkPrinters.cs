namespace Portolan.Lab.ApiServer.Tables;

/// <summary>Rows of the kinds about traffic.</summary>
internal static class NetworkPrinters
{
    public static RowPrinter EndpointSlice { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("AddressType"), RowPrinter.Column("Ports"), RowPrinter.Column("Endpoints"), RowPrinter.Age],
        (slice, cells) =>
        {
            var ports = slice.At("ports").Items().Select(port => port.At("port").Exists() ? port.At("port").Scalar() : port.At("name").Str() is { Length: > 0 } name ? name : "*");
            var addresses = slice.At("endpoints").Items().SelectMany(endpoint => endpoint.At("addresses").Items()).Select(address => address.Str());
            cells.Text(slice.Name());
            cells.Text(slice.At("addressType").Str());
            cells.Text(Reading.Few([.. ports], "<unset>"));
            cells.Text(Reading.Few([.. addresses], "<unset>"));
            cells.Age(slice);
        });

    public static RowPrinter ServiceCidr { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("CIDRs"), RowPrinter.Age],
        (range, cells) =>
        {
            cells.Text(range.Name());
            cells.Text(string.Join(',', range.At("spec", "cidrs").Items().Select(cidr => cidr.Str())));
            cells.Age(range);
        });

    public static RowPrinter NetworkPolicy { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("Pod-Selector"), RowPrinter.Age],
        (policy, cells) =>
        {
            cells.Text(policy.Name());
            cells.Text(policy.At("spec", "podSelector").Selector());
            cells.Age(policy);
        });

    public static RowPrinter Ingress { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("Class"), RowPrinter.Column("Hosts"), RowPrinter.Column("Address"), RowPrinter.Column("Ports"), RowPrinter.Age],
        (ingress, cells) =>
        {
            var spec = ingress.At("spec");
            var hosts = spec.At("rules").Items().Select(rule => rule.At("host").Str()).Where(host => host.Length > 0).ToList();
            var addresses = ingress.At("status", "loadBalancer", "ingress").Items()
                .Select(entry => entry.At("ip").Str() is { Length: > 0 } ip ? ip : entry.At("hostname").Str()).Distinct().Order(StringComparer.Ordinal);
            cells.Text(ingress.Name());
            cells.TextOrNone(spec.At("ingressClassName").Str());
            cells.Text(hosts.Count == 0 ? "*" : Reading.Few(hosts, "*"));
            cells.Text(string.Join(',', addresses));
            cells.Text(spec.At("tls").Count() > 0 ? "80, 443" : "80");
            cells.Age(ingress);
        });

    public static RowPrinter IngressClass { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("Controller"), RowPrinter.Column("Parameters"), RowPrinter.Age],
        (ingressClass, cells) =>
        {
            var parameters = ingressClass.At("spec", "parameters");
            var group = parameters.At("apiGroup").Str();
            var kind = parameters.At("kind").Str();
            cells.Text(ingressClass.Name());
            cells.Text(ingressClass.At("spec", "controller").Str());
            cells.Text(parameters.Exists() ? $"{(group.Length > 0 ? $"{kind}.{group}" : kind)}/{parameters.At("name").Str()}" : "<none>");
            cells.Age(ingressClass);
        });
}
