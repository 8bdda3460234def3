using Portolan.Lab.ApiServer.Http;

namespace Portolan.Lab.ApiServer.Proxying;

/// <summary>What <c>/proxy</c> is asked for: <c>[scheme:]name[:port]</c>, where the port is a number or, of a Service, a name.</summary>
internal readonly record struct ProxyName(string Scheme, string Name, string Port)
{
    /// <exception cref="ApiException">400: more parts than that, or another scheme.</exception>
    public static ProxyName Parse(string text)
    {
        var parts = text.Split(':');
        var result = parts switch
        {
            [var name] => new ProxyName("http", name, ""),
            [var name, var port] => new ProxyName("http", name, port),
            [var scheme, var name, var port] => new ProxyName(scheme.Length == 0 ? "http" : scheme, name, port),
            _ => default,
        };
        return result.Scheme is "http" or "https" && result.Name.Length > 0 ? result : throw ApiErrors.BadRequest($"invalid request \"{text}\"");
    }
}
