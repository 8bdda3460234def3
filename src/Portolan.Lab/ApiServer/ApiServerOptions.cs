using System.Net;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer;

/// <summary>How an API server is set up.</summary>
internal sealed record ApiServerOptions
{
    /// <summary>Holds <c>pki/</c> and the store.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Where to listen; a port of 0 takes any.</summary>
    public IPEndPoint? Bind { get; init; }

    /// <summary>Where else: the address of the other family.</summary>
    public IPEndPoint? SecondBind { get; init; }

    /// <summary>A listening socket that the parent process made.</summary>
    public ulong? ListenDescriptor { get; init; }

    /// <summary>Where clients inside the cluster reach this server: the endpoint of the Service <c>kubernetes</c>.</summary>
    public required IPEndPoint Advertised { get; init; }

    /// <summary>Its family is the one that Services have when they ask for none.</summary>
    public IPNetwork ServiceNetwork { get; init; } = IPNetwork.Parse("10.233.0.0/18");

    /// <summary>Of the other family: with it the cluster is dual-stack.</summary>
    public IPNetwork? SecondServiceNetwork { get; init; }

    public int FirstNodePort { get; init; } = 30000;
    public int LastNodePort { get; init; } = 32767;

    /// <summary>How long a pod that says nothing of it stays on a node that is not Ready or not reachable.</summary>
    public long DefaultTolerationSeconds { get; init; } = 300;

    /// <summary>How far back watches can resume.</summary>
    public HistoryLimits History { get; init; } = HistoryLimits.Default;

    public string Pki(string file) => Path.Combine(StateDirectory, "pki", file);

    public string StorePath => Path.Combine(StateDirectory, "store.db");
}
