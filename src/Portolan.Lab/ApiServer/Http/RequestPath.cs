namespace Portolan.Lab.ApiServer.Http;

/// <summary>A resource request's path, taken apart.</summary>
/// <param name="Group">Empty for the core group.</param>
/// <param name="Version"><c>v1</c>.</param>
/// <param name="Resource">The plural; for namespaces themselves <c>namespaces</c>.</param>
/// <param name="Namespace">Null when the path names none (a cluster-scoped resource, or all namespaces).</param>
/// <param name="Name">Null for the collection.</param>
/// <param name="Subresource">Null for the object itself.</param>
internal readonly record struct RequestPath(string Group, string Version, string Resource, string? Namespace, string? Name, string? Subresource)
{
    /// <summary>The old spelling <c>/api/v1/watch/services</c>, which some clients still use.</summary>
    public bool WatchPrefix { get; init; }

    /// <summary>What follows <c>/proxy</c>: a path of whoever answers there, with its slash.</summary>
    public string ProxyPath { get; init; } = "/";

    public static bool TryParse(string path, out RequestPath result)
    {
        result = default;
        // What follows "/proxy" is not the API's: it may have any form.
        var proxy = path.IndexOf("/proxy/", StringComparison.Ordinal);
        if (proxy >= 0 && TryParse(path[..(proxy + 6)], out var before) && before.Subresource == "proxy")
        {
            result = before with { ProxyPath = path[(proxy + 6)..] };
            return true;
        }

        var parts = path.Split('/', StringSplitOptions.None).AsSpan()[1..];
        if (parts.Length > 0 && parts[^1].Length == 0) parts = parts[..^1];
        foreach (var part in parts)
            if (part.Length == 0)
                return false;
        string group, version;
        if (parts is ["api", var v, ..])
        {
            (group, version) = ("", v);
            parts = parts[2..];
        }
        else if (parts is ["apis", var g, var gv, ..])
        {
            (group, version) = (g, gv);
            parts = parts[3..];
        }
        else
        {
            return false;
        }

        var watch = parts is ["watch", _, ..];
        if (watch) parts = parts[1..];
        string? ns = null;
        // "namespaces/x/status" and "namespaces/x/finalize" are of the Namespace itself; anything else after a name is inside it.
        if (parts is ["namespaces", var inside, _, ..] && !(group.Length == 0 && parts.Length == 3 && parts[2] is "status" or "finalize"))
        {
            ns = Uri.UnescapeDataString(inside);
            parts = parts[2..];
        }

        if (parts.Length is 0 or > 3) return false;
        result = new(
            group, version, parts[0], ns, parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : null, parts.Length > 2 ? parts[2] : null) { WatchPrefix = watch };
        return true;
    }
}
