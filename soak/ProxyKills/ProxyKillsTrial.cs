using System.Net;
using Portolan.Rig;

namespace Portolan.Soak.ProxyKills;

/// <summary>
/// A node's proxy ends again and again under load: killed without warning, told to end, or replaced by a new one that runs before the old one ends.
/// While there is none, or two, the Service's endpoints change. No connection breaks, no request fails, and afterwards the new endpoints are the ones that answer.
/// </summary>
internal static class ProxyKillsTrial
{
    private const string Vip = "192.0.2.240";
    private const int NodePort = 31313;
    private const int Pods = 3;
    private const int Asked = 30;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static async Task<int> RunAsync(int kills)
    {
        using var node = await ProxyNode.CreateAsync();
        using var client = new NetworkNamespace("client");
        Prepare(node.Namespace, client);
        var pods = Enumerable.Range(0, Pods).Select(number => new EchoPod(node.Namespace, number)).ToList();
        var clusterIP = await ProxyNode.AddServiceAsync(node.Api, "echo", Vip, NodePort);
        await ProxyNode.AddSliceAsync(node.Api, "echo", pods.Select(pod => pod.Address));
        var proxy = node.Proxy("proxy");
        var traffic = new Traffic(client, new(IPAddress.Parse(Vip), 80), new(IPAddress.Parse(clusterIP), 80), new(IPAddress.Parse("192.0.2.1"), NodePort));
        var current = new Percentiles();
        try
        {
            client.Link($"route add {clusterIP} via 192.0.2.1");
            proxy.Start();
            await node.ForwardsAsync(Vip);
            traffic.Start();
            for (var i = 0; i < kills && traffic.Wrong.IsEmpty; i++)
                proxy = await RoundAsync(node, proxy, pods, traffic, i, current);
        }
        finally
        {
            traffic.Stop();
            proxy.Dispose();
            foreach (var pod in pods)
                pod.Dispose();
        }

        Console.WriteLine($"ends          {kills}: killed, told to end, replaced in turn");
        Console.WriteLine($"connections   {Traffic.StreamCount} that stayed, {traffic.ExchangeCount} exchanges");
        Console.WriteLine($"requests      {traffic.RequestCount}; {traffic.Requests}");
        Console.WriteLine($"endpoints     right after the start: {current}");
        foreach (var wrong in traffic.Wrong)
            Console.WriteLine($"WRONG: {wrong}");
        Console.WriteLine(traffic.Wrong.IsEmpty ? "proxy-kills holds" : "proxy-kills fails");
        return traffic.Wrong.IsEmpty ? 0 : 1;
    }

    private static async Task<ProxyProcess> RoundAsync(ProxyNode node, ProxyProcess proxy, List<EchoPod> pods, Traffic traffic, int number, Percentiles current)
    {
        var without = number % (Pods + 1); // the last leaves nobody out
        var wanted = pods.Where((_, pod) => pod != without).Select(pod => pod.Address);
        var next = node.Proxy($"proxy-{number}");
        if (number % 3 == 2)
        {
            next.Start();
            await Task.Delay(300);
            await ProxyNode.SetSliceAsync(node.Api, "echo", wanted);
            await proxy.EndAsync(atOnce: false);
        }
        else
        {
            await proxy.EndAsync(atOnce: number % 3 == 0);
            await ProxyNode.SetSliceAsync(node.Api, "echo", wanted);
            await Task.Delay(200);
            next.Start();
        }

        proxy.Dispose();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (!Answer(traffic, without))
        {
            if (clock.Elapsed > Patience)
            {
                traffic.Wrong.Enqueue($"round {number}: {Patience.TotalSeconds} s after the start still not the endpoints without pod {without}");
                break;
            }

            await Task.Delay(20);
        }

        current.Add(clock.Elapsed);
        await Task.Delay(300);
        return next;
    }

    // All that are endpoints answer, and nobody else does: thirty draws miss one of two or three once in 200,000.
    private static bool Answer(Traffic traffic, int without)
    {
        var answered = Enumerable.Range(0, Asked).Select(_ => traffic.Ask(new IPEndPoint(IPAddress.Parse(Vip), 80))).ToHashSet();
        return answered.SetEquals(Enumerable.Range(0, Pods).Where(pod => pod != without));
    }

    private static void Prepare(NetworkNamespace node, NetworkNamespace client)
    {
        node.Wire("eth0", client, "eth0");
        node.Link("addr add 192.0.2.1/24 dev eth0");
        node.Sysctl("net.ipv4.ip_forward", "1");
        node.Sysctl("net.ipv4.conf.all.send_redirects", "0");
        node.Sysctl("net.ipv4.conf.eth0.send_redirects", "0");
        client.Link("addr add 192.0.2.10/24 dev eth0");
        client.Link($"route add {Vip} via 192.0.2.1");
    }
}
