using System.Buffers.Binary;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Ndp;
using Portolan.Protocols.Peers;

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

    /// <summary>What another speaker says, where there is no key: behind the tag is what is worth trying.</summary>
    public static PacketTarget Peers() => new(
        bytes =>
        {
            var rejection = PeerDatagram.TryParse(bytes, null, out var datagram);
            if (rejection is not PeerRejection.None) return rejection.ToString();
            var entries = 0;
            foreach (var item in datagram.Items)
                entries += item.IsRecord ? Entries(item) : PeerChallenge.TryParse(item.Body, out _) || PeerAnswer.TryParse(item.Body, out _) || PeerDigest.TryParse(item.Body, out _) ? 1 : 0;
            return entries == 0 ? "Empty" : "Read";
        },
        bytes =>
        {
            if (bytes.Length >= 4) (bytes[0], bytes[1], bytes[2], bytes[3]) = (1, 0, 0, 0);
        });

    private static int Entries(PeerItem item)
    {
        if (!PeerRecord.TryParse(item.Body, out var record)) return 0;
        var entries = 0;
        if (VerdictsMessage.TryParse(record.Payload, out var verdicts))
            foreach (var verdict in verdicts)
                entries += verdict.Sight is 1 or 2 or 3 ? 1 : throw new InvalidOperationException("no sight");
        if (DisappearancesMessage.TryParse(record.Payload, out var disappearances))
            foreach (var (_, count) in disappearances)
                entries += count > 0 ? 1 : throw new InvalidOperationException("none is not said");
        if (ReportMessage.TryParse(record.Payload, out var report))
            foreach (var entry in report)
                entries += entry.Value.Length <= byte.MaxValue ? 1 : throw new InvalidOperationException("too long");
        if (AskersMessage.TryParse(record.Payload, out var askers))
            foreach (var asker in askers)
                entries += asker.AskerOfIPv4 is null != asker.AskerOfIPv6 is null ? 1 : throw new InvalidOperationException("of no family");
        return entries;
    }

    private static PacketType TypeOf(byte[] bytes) => (PacketType)(bytes.Length == 0 ? 0 : bytes[0] % 5);

    private static void Require(bool holds)
    {
        if (!holds) throw new InvalidOperationException("the answer is none");
    }
}
