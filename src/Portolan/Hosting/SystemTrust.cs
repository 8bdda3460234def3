using System.Runtime.InteropServices;
using Portolan.Kubernetes.Client;

namespace Portolan.Hosting;

/// <summary>
/// The machine's own trusted roots. A role speaks TLS with the API server, whose authority it is given; the runtime reads the machine's all the same,
/// some 140 files before the first handshake and again every five minutes, which is most of the time a role takes to start.
/// </summary>
internal static partial class SystemTrust
{
    private const string Nowhere = "/dev/null";

    /// <summary>
    /// Leaves them unread in this process where they cannot be asked for anything. Must come before the first use of TLS.
    /// </summary>
    public static void LeaveUnread(ClusterConnection connection)
    {
        if (connection.Authorities.Count == 0 || connection.Proxy is not null)
            return;

        // OpenSSL's names. The process's own environment, because the library reads that and child processes are given the runtime's copy.
        _ = SetEnvironment("SSL_CERT_FILE", Nowhere, 1);
        _ = SetEnvironment("SSL_CERT_DIR", Nowhere, 1);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
