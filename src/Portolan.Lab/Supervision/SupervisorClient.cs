using System.Net.Sockets;
using System.Text.Json;

using Portolan.Lab.Commands;

namespace Portolan.Lab.Supervision;

internal static class SupervisorClient
{
    /// <returns>The supervisor's answer, or null where none is running.</returns>
    public static async Task<ControlReply?> TryAskAsync(LabLayout layout, ControlRequest request, CancellationToken cancel)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(layout.SupervisorSocket), cancel).ConfigureAwait(false);
        }
        catch (SocketException)
        {
            return null;
        }
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(request, ControlProtocolJson.Default.ControlRequest), cancel).ConfigureAwait(false);
        await stream.WriteAsync("\n"u8.ToArray(), cancel).ConfigureAwait(false);
        return await JsonSerializer.DeserializeAsync(stream, ControlProtocolJson.Default.ControlReply, cancel).ConfigureAwait(false);
    }

    /// <exception cref="LabException">No supervisor is running, or it did not do it.</exception>
    public static async Task<ControlReply> AskAsync(LabLayout layout, ControlRequest request, CancellationToken cancel)
    {
        var reply = await TryAskAsync(layout, request, cancel).ConfigureAwait(false)
            ?? throw new LabException(LabSpec.Read(layout) is null
                ? $"there is no lab '{layout.Name}': portolan lab up makes one"
                : $"lab '{layout.Name}' is there but its supervisor is not running: portolan lab up starts it again");
        return reply.Error is null ? reply : throw new LabException(reply.Error);
    }
}
