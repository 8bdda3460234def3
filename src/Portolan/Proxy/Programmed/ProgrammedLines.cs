using System.Buffers;
using System.Text.Json;
using Portolan.Core.Forwarding;

namespace Portolan.Proxy.Programmed;

/// <summary>Writes lines of the socket, in blocks that each reader gets as they are.</summary>
internal static class ProgrammedLines
{
    private const int BlockSize = 1 << 16;

    /// <summary>A line for each Service.</summary>
    /// <param name="services">The Services.</param>
    /// <param name="isList">They are all there are: the line that says so follows.</param>
    internal static IEnumerable<ReadOnlyMemory<byte>> Of(IEnumerable<ServiceForwarding> services, bool isList)
    {
        var block = new ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(block);
        foreach (var service in services)
        {
            Write(ProgrammedLine.Of(service));
            if (block.WrittenCount < BlockSize)
                continue;
            yield return block.WrittenSpan.ToArray();
            block.ResetWrittenCount();
        }

        if (isList)
            Write(new ProgrammedLine { Synced = true });
        if (block.WrittenCount > 0)
            yield return block.WrittenMemory;

        void Write(ProgrammedLine line)
        {
            json.Reset();
            JsonSerializer.Serialize(json, line, ProgrammedJson.Default.ProgrammedLine);
            json.Flush();
            block.Write("\n"u8);
        }
    }
}
