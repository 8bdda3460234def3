using System.Net;
using System.Text;
using Portolan.Rig;

namespace Portolan.Soak.ControllerKills;

/// <summary>
/// One after the other, changes of every sort: Services come, go, change their type, their sharing key and what they ask for; pools lose addresses and get
/// them back, go and come, are closed and reordered; and wrong objects lie about.
/// </summary>
internal sealed class Churn(ApiConnection api, Checker checker)
{
    public const string Namespace = "churn";
    public const string SharingAnnotation = "metallb.io/allow-shared-ip";
    public const string AddressAnnotation = "metallb.io/loadBalancerIPs";
    private const int Names = 60;
    private const string Services = $"/api/v1/namespaces/{Namespace}/services";
    private const string Advertisements = $"/apis/metallb.io/v1beta1/namespaces/{Installation.Namespace}/l2advertisements";
    private const string Merge = "application/merge-patch+json";

    private static readonly (string Path, string Name, string Spec)[] WrongObjects =
    [
        (Installation.Pools, "wrong-overlap", $"{{\"addresses\":[\"{PoolBlock.Base.Address(0)}/24\"]}}"),
        (Installation.Pools, "wrong-range", "{\"addresses\":[\"10.9.0.9-10.9.0.1\"]}"),
        (Advertisements, "wrong-pool", "{\"ipAddressPools\":[\"nowhere\"]}"),
        (Advertisements, "wrong-selector", "{\"nodeSelectors\":[{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Maybe\"}]}]}"),
    ];

    private readonly Random _random = new();
    private readonly HashSet<string> _present = new(StringComparer.Ordinal);

    public int Changes { get; private set; }

    /// <summary>Wrong objects that the API server took, and those that it refused.</summary>
    public (int Taken, int Refused) Wrong { get; private set; }

    /// <summary>The namespace, the pools and half of the Services.</summary>
    public async Task PrepareAsync()
    {
        (await api.DoAsync(HttpMethod.Post, "/api/v1/namespaces", $"{{\"metadata\":{{\"name\":\"{Namespace}\"}}}}")).Dispose();
        foreach (var pool in PoolBlock.Edited.Append(PoolBlock.Base))
            await SendAsync(HttpMethod.Post, Installation.Pools, Pool(pool, true, 0));
        for (var i = 0; i < Names / 2; i++)
            await CreateAsync($"service-{i}");
    }

    /// <summary>A plain Service, to see whether anybody serves it.</summary>
    /// <returns>Its key.</returns>
    public async Task<string> ProbeAsync(string name)
    {
        await SendAsync(HttpMethod.Post, Services, Service(name, "LoadBalancer", "", "", 80));
        return $"{Namespace}/{name}";
    }

    public async Task RemoveProbeAsync(string name)
    {
        checker.Changing($"{Namespace}/{name}");
        await SendAsync(HttpMethod.Delete, $"{Services}/{name}");
    }

    public async Task RunAsync(CancellationToken until)
    {
        while (!until.IsCancellationRequested)
        {
            await (_random.Next(20) switch { < 16 => ServiceAsync(), < 19 => PoolAsync(), _ => WrongAsync() });
            Changes++;
            await Task.Delay(_random.Next(8), CancellationToken.None);
        }
    }

    /// <summary>All pools are there as a whole, and nothing wrong lies about.</summary>
    public async Task RestoreAsync()
    {
        foreach (var (path, name, _) in WrongObjects)
            await api.SendAsync(HttpMethod.Delete, $"{path}/{name}");
        foreach (var pool in PoolBlock.Edited)
            await EditAsync(pool, 255);
    }

    private Task ServiceAsync()
    {
        var name = $"service-{_random.Next(Names)}";
        if (!_present.Contains(name)) return CreateAsync(name);
        if (_random.Next(6) is var what && what > 3)
            // No cause for anything.
            return SendAsync(HttpMethod.Patch, $"{Services}/{name}", $"{{\"metadata\":{{\"labels\":{{\"turn\":\"{Changes}\"}}}}}}", Merge);
        checker.Changing($"{Namespace}/{name}");
        switch (what)
        {
            case 0:
                _present.Remove(name);
                return SendAsync(HttpMethod.Delete, $"{Services}/{name}");
            case 1:
                return SendAsync(HttpMethod.Patch, $"{Services}/{name}", $"{{\"spec\":{{\"type\":\"{(_random.Next(2) == 0 ? "LoadBalancer" : "ClusterIP")}\"}}}}", Merge);
            default:
                return SendAsync(HttpMethod.Patch, $"{Services}/{name}", $"{{\"metadata\":{{\"annotations\":{Annotations(Key(), Wanted())}}}}}", Merge);
        }
    }

    private Task CreateAsync(string name)
    {
        checker.Changing($"{Namespace}/{name}");
        _present.Add(name);
        return SendAsync(HttpMethod.Post, Services, Service(name, _random.Next(8) == 0 ? "ClusterIP" : "LoadBalancer", Key(), Wanted(), 80 + _random.Next(3)));
    }

    private Task PoolAsync()
    {
        var pool = PoolBlock.Edited[_random.Next(PoolBlock.Edited.Count)];
        return EditAsync(pool, pool.Last < 0 ? 255 : _random.Next(4) switch { 0 => -1, 1 => 7, 2 => pool.Last, _ => 255 });
    }

    private async Task EditAsync(PoolBlock pool, int last)
    {
        var before = pool.Last;
        if (last < before)
        {
            checker.Shrinking(pool);
            pool.Last = last;
        }

        var (autoAssign, priority) = (_random.Next(3) > 0, _random.Next(3));
        if (last < 0) await SendAsync(HttpMethod.Delete, $"{Installation.Pools}/{pool.Name}");
        else if (before < 0)
        {
            pool.Last = last;
            await SendAsync(HttpMethod.Post, Installation.Pools, Pool(pool, autoAssign, priority));
        }
        else
        {
            pool.Last = last;
            await SendAsync(HttpMethod.Patch, $"{Installation.Pools}/{pool.Name}", Pool(pool, autoAssign, priority), Merge);
        }
    }

    // Either is refused, or it lies about and must not matter.
    private async Task WrongAsync()
    {
        var (path, name, spec) = WrongObjects[_random.Next(WrongObjects.Length)];
        var (code, _) = await api.SendAsync(HttpMethod.Delete, $"{path}/{name}");
        if (code == HttpStatusCode.OK) return;
        (code, _) = await api.SendAsync(HttpMethod.Post, path, $"{{\"apiVersion\":\"metallb.io/v1beta1\",\"kind\":\"{(path == Advertisements ? "L2Advertisement" : "IPAddressPool")}\",\"metadata\":{{\"name\":\"{name}\"}},\"spec\":{spec}}}");
        Wrong = code == HttpStatusCode.Created ? (Wrong.Taken + 1, Wrong.Refused) : (Wrong.Taken, Wrong.Refused + 1);
    }

    private string Key() => _random.Next(4) == 0 ? $"key-{_random.Next(2)}" : "";

    private string Wanted() => _random.Next(4) == 0 ? (_random.Next(2) == 0 ? PoolBlock.Base : PoolBlock.Edited[_random.Next(PoolBlock.Edited.Count)]).Address(200 + _random.Next(4)) : "";

    private static string Annotations(string key, string wanted) =>
        $"{{\"{SharingAnnotation}\":{(key.Length > 0 ? $"\"{key}\"" : "null")},\"{AddressAnnotation}\":{(wanted.Length > 0 ? $"\"{wanted}\"" : "null")}}}";

    private static string Service(string name, string type, string key, string wanted, int port)
    {
        var annotations = string.Join(',', new[] { (SharingAnnotation, key), (AddressAnnotation, wanted) }.Where(pair => pair.Item2.Length > 0).Select(pair => $"\"{pair.Item1}\":\"{pair.Item2}\""));
        return $"{{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{{\"name\":\"{name}\",\"annotations\":{{{annotations}}}}},\"spec\":{{\"type\":\"{type}\",\"selector\":{{\"app\":\"{name}\"}},\"ports\":[{{\"port\":{port}}}]}}}}";
    }

    private static string Pool(PoolBlock pool, bool autoAssign, int priority) =>
        $"{{\"apiVersion\":\"metallb.io/v1beta1\",\"kind\":\"IPAddressPool\",\"metadata\":{{\"name\":\"{pool.Name}\"}},\"spec\":{{\"addresses\":[\"{pool.Address(0)}-{pool.Address(pool.Last)}\"],"
        + (pool == PoolBlock.Base ? "\"autoAssign\":true}}" : $"\"autoAssign\":{(autoAssign ? "true" : "false")},\"serviceAllocation\":{{\"priority\":{priority}}}}}}}");

    private async Task SendAsync(HttpMethod method, string path, string? body = null, string type = "application/json")
    {
        var (code, reply) = await api.SendAsync(method, path, body, type);
        if ((int)code is < 200 or > 299) checker.Blame($"{method} {path}: {(int)code} {Encoding.UTF8.GetString(reply)}");
    }
}
