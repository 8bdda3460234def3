using System.Net;

namespace Portolan.Lab.Hollow;

/// <summary>
/// Names and addresses of what is hollow: objects without processes, for seeing how the cluster carries itself at a size no machine holds.
/// Their addresses are those set aside for benchmarks (198.18.0.0/15, RFC 2544): nothing answers there, and nothing else is there.
/// </summary>
internal static class HollowCluster
{
    /// <summary>On every hollow object. On a node <see cref="Alive"/> keeps its heart beating; any other value is a node that fell silent.</summary>
    public const string Label = "portolan.dev/hollow";

    public const string Alive = "true";

    /// <summary>The namespace of hollow Services and EndpointSlices.</summary>
    public const string Namespace = "hollow";

    /// <summary>Keeps pods away that do not ask for it; the same key as <see cref="Label"/>.</summary>
    public const string TaintKey = Label;

    /// <summary>As many /25 as 198.19.0.0/16 holds.</summary>
    public const int MaximumNodes = 512;

    /// <summary>Each has a cluster IP of the lab's /18, and the lab's own Services need some, too.</summary>
    public const int MaximumServices = 16_000;

    /// <summary>What one EndpointSlice may hold (Kubernetes allows 1,000, its controller fills 100).</summary>
    public const int MaximumEndpoints = 100;

    private const int PodsPerNode = 125;

    public static string NodeName(int number) => $"hollow-{number}";

    public static string ServiceName(int number) => $"service-{number}";

    /// <param name="number">1 to <see cref="MaximumNodes"/>.</param>
    public static IPAddress NodeAddress(int number) => Address(0xC612_0000u + (uint)number);

    /// <summary>A /25 for each node, in 198.19.0.0/16.</summary>
    public static string PodRange(int number) => $"{Address(PodBase(number))}/25";

    /// <summary>The port behind a Service; one for each, so that address and port together are never two Services' endpoint.</summary>
    public static int Port(int service) => 1024 + service;

    /// <summary>Where endpoint <paramref name="index"/> (from 0) of a Service is: Services are spread evenly, and the endpoints of one over as many nodes as it has endpoints.</summary>
    /// <param name="service">From 1.</param>
    /// <param name="index">0 to <paramref name="endpoints"/> - 1.</param>
    /// <param name="endpoints">How many each Service has; 1 to <see cref="MaximumEndpoints"/>.</param>
    /// <param name="nodes">How many hollow nodes there are; 1 to <see cref="MaximumNodes"/>.</param>
    public static (IPAddress Address, string Node) Endpoint(int service, int index, int endpoints, int nodes)
    {
        var position = (service - 1) * endpoints + index;
        var node = position % nodes + 1;
        return (Address(PodBase(node) + 1 + (uint)(position / nodes % PodsPerNode)), NodeName(node));
    }

    private static uint PodBase(int number) => 0xC613_0000u + (uint)(number - 1) * 128;

    private static IPAddress Address(uint bits) => new([(byte)(bits >> 24), (byte)(bits >> 16), (byte)(bits >> 8), (byte)bits]);
}
