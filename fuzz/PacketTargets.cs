using System.Buffers.Binary;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Ndp;

namespace Portolan.Fuzz;

/// <summary>The parsers of layer 2. Their corpora are frames as the kernel and others send them.</summary>
internal static class PacketTargets
{
    private static readonly MacAddress Mac = MacAddress.Read([2, 0, 0x5e, 0x10, 0, 0x64]);

    /// <summary>The first byte says how the link layer received the frame.</summary>
    public static PacketTarget Arp()
    {
        var responder = new ArpResponder(Mac, new IPv4(0xc0a864f0));
        return new PacketTarget(bytes =>
        {
            var answer = new byte[ArpFrame.Size];
            var rejection = responder.Handle(bytes.AsSpan(Math.Min(1, bytes.Length)), TypeOf(bytes), out var request, answer);
            if (rejection is not ArpRejection.None) return rejection.ToString();
            Require(ArpFrame.TryParse(answer, out var said) is ArpRejection.None && said.Source == Mac && said.Packet.Sender == request.Target && !said.Destination.IsGroup);
            return "Answered";
        });
    }

    /// <summary>The first byte says how the link layer received the frame.</summary>
    public static PacketTarget Ndp()
    {
        var responder = new NdpResponder(Mac, new IPv6(0xfd00_0100_0000_0000, 0xf0));
        return new PacketTarget(
            bytes =>
            {
                var answer = new byte[NdpFrame.MaxSize];
                var frame = bytes.AsSpan(Math.Min(1, bytes.Length));
                var rejection = responder.Handle(frame, TypeOf(bytes), out var asked, answer, out var length);
                if (rejection is not NdpRejection.None) return rejection.ToString();
                Require(NdpFrame.TryParse(answer.AsSpan(0, length), out var said) is NdpRejection.None && said.SourceMac == Mac && said.Message.Target == asked.Message.Target);
                return "Answered";
            },
            bytes =>
            {
                // Length and checksum: behind them is what is worth trying.
                const int Headers = 1 + 54;
                if (bytes.Length < Headers + NeighborMessage.FixedSize) return;
                BinaryPrimitives.WriteUInt16BigEndian(bytes[19..], (ushort)(bytes.Length - Headers));
                var message = bytes[Headers..];
                BinaryPrimitives.WriteUInt16BigEndian(message[2..], 0);
                ulong sum = (ulong)message.Length + 58;
                for (var at = 23; at < bytes.Length; at += 2)
                    sum += at + 1 < bytes.Length ? BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]) : (ulong)bytes[at] << 8;
                while (sum > ushort.MaxValue) sum = (sum & ushort.MaxValue) + (sum >> 16);
                BinaryPrimitives.WriteUInt16BigEndian(message[2..], (ushort)~sum);
            });
    }

    private static PacketType TypeOf(byte[] bytes) => (PacketType)(bytes.Length == 0 ? 0 : bytes[0] % 5);

    private static void Require(bool holds)
    {
        if (!holds) throw new InvalidOperationException("the answer is none");
    }
}
