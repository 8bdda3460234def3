using System.Net;
using System.Net.Sockets;

namespace Portolan.Rig;

/// <summary>The published executables, and where a process of one can listen.</summary>
internal static class Published
{
    /// <summary>The tree this program was built in.</summary>
    public static string Tree { get; } = FindTree();

    /// <summary>The path of <c>portolan</c> or <c>portolan-lab</c>.</summary>
    public static string Binary(string name) => Path.Combine(Tree, "artifacts", "bin", name);

    /// <summary>A port of the loopback address that nobody listens at.</summary>
    public static int FreePort()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)listener.LocalEndPoint!).Port;
    }

    private static string FindTree()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Portolan.slnx")))
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("run this from inside the tree");
        return directory;
    }
}
