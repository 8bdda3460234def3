using Portolan.Linux.Netlink;

namespace Portolan.Linux.Nftables;

/// <summary>Reads and changes nftables in the network namespace of the thread that opened it. One thread at a time may use it.</summary>
public sealed class NftConnection : IDisposable
{
    private const int DumpAttempts = 12;
    private readonly NetlinkSocket _socket;
    private readonly NetlinkWriter _request = new();

    private NftConnection(NetlinkSocket socket) => _socket = socket;

    internal NetlinkSocket Socket => _socket;

    /// <summary>Opens a connection in the network namespace of the calling thread.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static NftConnection Open() => new(NetlinkSocket.Open(NetlinkFamily.Netfilter));

    /// <summary>What this connection causes is notified with this port id.</summary>
    public uint PortId => _socket.PortId;

    /// <summary>The bytes of all transactions sent so far, taken or refused.</summary>
    public long CommittedBytes { get; private set; }

    /// <summary>Executes a transaction. Without anything in it, nothing is sent.</summary>
    /// <param name="batch">The transaction; <see cref="NftBatch.Reset"/> it before its next use.</param>
    /// <param name="operation">Named in the exception.</param>
    /// <exception cref="NetlinkException">The first refusal; nothing has changed. ERESTART: the ruleset is of another generation than asked for.</exception>
    public void Commit(NftBatch batch, string operation)
    {
        if (batch.IsEmpty)
            return;
        // The kernel answers each message it refuses, and the last one in any case, once the fate of the whole is decided.
        var sequence = _socket.NextSequence();
        var last = _socket.NextSequence();
        batch.Finish(sequence, last);
        _socket.Send(batch.Writer.Written, operation);
        CommittedBytes += batch.Writer.Written.Length;
        batch.Writer.ReleaseIfLarge(); // the kernel has its own copy
        while (true)
        {
            foreach (var message in _socket.Receive(operation))
            {
                if (message.Type != NetlinkTypes.Error || message.PortId != _socket.PortId || (message.Sequence != sequence && message.Sequence != last))
                    continue;
                NetlinkError.Read(message).ThrowIfFailed(operation);
                if (message.Sequence == last)
                    return;
            }
        }
    }

    /// <summary>The generation of the ruleset: every transaction, whoever's, makes a new one.</summary>
    public uint Generation()
    {
        uint generation = 0;
        Begin(Nft.GetGeneration, 0);
        _request.EndMessage();
        _socket.Execute(_request, "read the ruleset's generation", message =>
        {
            if (message.Type == Nft.NewGeneration && message.Attributes(Nft.HeaderSize).TryFind(Nft.GenerationId, out var id))
                generation = id.AsUInt32BigEndian;
        });
        return generation;
    }

    /// <summary>Whether a table exists.</summary>
    public bool HasTable(NftFamily family, string table)
    {
        Begin(Nft.GetTable, family);
        _request.PutString(Nft.TableName, table);
        _request.EndMessage();
        try
        {
            _socket.Execute(_request, $"look for table {table}");
            return true;
        }
        catch (NetlinkException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    /// <summary>The chains of a table; none where there is no such table.</summary>
    public List<NftChainInfo> Chains(NftFamily family, string table)
    {
        Begin(Nft.GetChain, family);
        _request.EndMessage();
        return _socket.Dump(_request, $"list the chains of table {table}", (NetlinkMessage message, out NftChainInfo chain) =>
        {
            string? name = null, owner = null, type = null;
            NftHook? hook = null;
            var priority = 0;
            foreach (var attribute in message.Attributes(Nft.HeaderSize))
            {
                switch (attribute.Type)
                {
                    case Nft.ChainTable: owner = attribute.AsString; break;
                    case Nft.ChainName: name = attribute.AsString; break;
                    case Nft.ChainType: type = attribute.AsString; break;
                    case Nft.ChainHook:
                        foreach (var part in attribute.Nested)
                        {
                            if (part.Type == Nft.HookNumber)
                                hook = (NftHook)part.AsUInt32BigEndian;
                            else if (part.Type == Nft.HookPriority)
                                priority = (int)part.AsUInt32BigEndian;
                        }

                        break;
                }
            }

            chain = new NftChainInfo(name ?? "", hook, priority, type);
            return message.Type == Nft.NewChain && owner == table && message.Payload[0] == (byte)family;
        });
    }

    /// <summary>The rules of a table, chain by chain in their order; none where there is no such table.</summary>
    public List<NftRuleInfo> Rules(NftFamily family, string table)
    {
        Begin(Nft.GetRule, family);
        _request.PutString(Nft.RuleTable, table);
        _request.EndMessage();
        return _socket.Dump(_request, $"list the rules of table {table}", (NetlinkMessage message, out NftRuleInfo rule) =>
        {
            string? owner = null;
            var chain = "";
            ulong handle = 0;
            byte[] userData = [];
            foreach (var attribute in message.Attributes(Nft.HeaderSize))
            {
                switch (attribute.Type)
                {
                    case Nft.RuleTable: owner = attribute.AsString; break;
                    case Nft.RuleChain: chain = attribute.AsString; break;
                    case Nft.RuleHandle: handle = attribute.AsUInt64BigEndian; break;
                    case Nft.RuleUserData: userData = attribute.Value.ToArray(); break;
                }
            }

            rule = new NftRuleInfo(chain, handle, userData);
            return message.Type == Nft.NewRule && owner == table && message.Payload[0] == (byte)family;
        });
    }

    /// <summary>The named sets and maps of a table; none where there is no such table.</summary>
    public List<NftSet> Sets(NftFamily family, string table)
    {
        Begin(Nft.GetSet, family);
        _request.EndMessage();
        return _socket.Dump(_request, $"list the sets of table {table}", (NetlinkMessage message, out NftSet set) =>
        {
            string? owner = null;
            var name = "";
            uint flags = 0, keyType = 0, keyLength = 0, dataType = 0, dataLength = 0, size = 0;
            var counts = false;
            foreach (var attribute in message.Attributes(Nft.HeaderSize))
            {
                switch (attribute.Type)
                {
                    case Nft.SetTable: owner = attribute.AsString; break;
                    case Nft.SetName: name = attribute.AsString; break;
                    case Nft.SetFlags: flags = attribute.AsUInt32BigEndian; break;
                    case Nft.SetKeyType: keyType = attribute.AsUInt32BigEndian; break;
                    case Nft.SetKeyLength: keyLength = attribute.AsUInt32BigEndian; break;
                    case Nft.SetDataType: dataType = attribute.AsUInt32BigEndian; break;
                    case Nft.SetDataLength: dataLength = attribute.AsUInt32BigEndian; break;
                    case Nft.SetDescription when attribute.Nested.TryFind(Nft.DescriptionSize, out var limit): size = limit.AsUInt32BigEndian; break;
                    case Nft.SetExpression: counts = attribute.Nested.TryFind(Nft.ExpressionName, out var expression) && expression.AsString == "counter"; break;
                }
            }

            set = new NftSet(name, keyType, keyLength, dataType, dataType == NftTypes.Verdict ? 0 : dataLength, (NftSetFlags)flags, size, counts);
            return message.Type == Nft.NewSet && owner == table && message.Payload[0] == (byte)family;
        });
    }

    /// <summary>Reads the elements of a set or a map.</summary>
    /// <param name="family">The table's family.</param>
    /// <param name="table">The table.</param>
    /// <param name="set">The set.</param>
    /// <param name="restart">Called before each attempt: what was seen before does not count.</param>
    /// <param name="onElement">Sees each element.</param>
    /// <exception cref="NetlinkException">There is no such set, or the ruleset changes faster than it can be read (EINTR).</exception>
    public void Elements(NftFamily family, string table, string set, Action restart, NftElementHandler onElement)
    {
        var operation = $"list the elements of {table} {set}";
        var tally = new ElementTally();
        (int Count, ulong Sum)? before = null;
        for (var attempt = 0; attempt < DumpAttempts; attempt++)
        {
            if (attempt > 1)
                Thread.Sleep(1 << Math.Min(attempt, 6));
            Begin(Nft.GetSetElement, family);
            _request.PutString(Nft.ElementsTable, table);
            _request.PutString(Nft.ElementsSet, set);
            _request.EndMessage();
            restart();
            tally.Clear();
            var consistent = _socket.TryDump(_request, operation, message => ReadElements(message, tally, onElement)) && tally.AreDistinct();

            // While the kernel grows a set's hash table, a dump can miss elements without saying so. Its count tells, but for
            // elements that expire: they are counted until they are collected, and no longer listed. There two readings must agree.
            var read = (tally.Count, tally.Sum);
            if (consistent && (Count(family, table, set, out var flags) is { } count && !flags.HasFlag(NftSetFlags.Timeout) ? read.Count == count : read == before))
                return;
            before = consistent ? read : null;
        }

        throw new NetlinkException(operation, Errors.Interrupted, "the ruleset changes faster than it can be read");
    }

    /// <summary>How many elements a set has, by the kernel's own count; null where it does not tell (before Linux 6.16), or tells otherwise (ranges).</summary>
    public long? ElementCount(NftFamily family, string table, string set) => Count(family, table, set, out _);

    private long? Count(NftFamily family, string table, string set, out NftSetFlags flags)
    {
        Begin(Nft.GetSet, family);
        _request.PutString(Nft.SetTable, table);
        _request.PutString(Nft.SetName, set);
        _request.EndMessage();
        long? count = null;
        var told = NftSetFlags.None;
        _socket.Execute(_request, $"look at {table} {set}", message =>
        {
            var attributes = message.Attributes(Nft.HeaderSize);
            if (attributes.TryFind(Nft.SetFlags, out var value))
                told = (NftSetFlags)value.AsUInt32BigEndian;
            if (attributes.TryFind(Nft.SetCount, out value) && !told.HasFlag(NftSetFlags.Interval))
                count = value.AsUInt32BigEndian;
        });
        flags = told;
        return count;
    }

    private static void ReadElements(NetlinkMessage message, ElementTally tally, NftElementHandler onElement)
    {
        if (!message.Attributes(Nft.HeaderSize).TryFind(Nft.Elements, out var list))
            return;
        foreach (var item in list.Nested)
        {
            ReadOnlySpan<byte> key = default, keyEnd = default, data = default;
            ulong packets = 0, bytes = 0;
            NftVerdict? verdict = null;
            var end = false;
            foreach (var attribute in item.Nested)
            {
                switch (attribute.Type)
                {
                    case Nft.ElementKey when attribute.Nested.TryFind(Nft.DataValue, out var value):
                        key = value.Value;
                        break;
                    case Nft.ElementKeyEnd when attribute.Nested.TryFind(Nft.DataValue, out var value):
                        keyEnd = value.Value;
                        break;
                    case Nft.ElementExpression when attribute.Nested.TryFind(Nft.ExpressionData, out var counter):
                        if (counter.Nested.TryFind(Nft.CounterPackets, out var count))
                            packets = count.AsUInt64BigEndian;
                        if (counter.Nested.TryFind(Nft.CounterBytes, out var length))
                            bytes = length.AsUInt64BigEndian;
                        break;
                    case Nft.ElementData when attribute.Nested.TryFind(Nft.DataValue, out var value):
                        data = value.Value;
                        break;
                    case Nft.ElementData when attribute.Nested.TryFind(Nft.DataVerdict, out var value):
                        verdict = ReadVerdict(value);
                        break;
                    case Nft.ElementFlags:
                        end = (attribute.AsUInt32BigEndian & Nft.ElementIntervalEnd) != 0;
                        break;
                }
            }

            var element = new NftElement { Key = key, KeyEnd = keyEnd, Packets = packets, Bytes = bytes, Data = data, Verdict = verdict, IsIntervalEnd = end };
            tally.Add(element);
            onElement(element);
        }
    }

    private static NftVerdict ReadVerdict(NetlinkAttribute verdict)
    {
        var code = NftVerdictCode.Drop;
        string? chain = null;
        foreach (var attribute in verdict.Nested)
        {
            if (attribute.Type == Nft.VerdictCode)
                code = (NftVerdictCode)(int)attribute.AsUInt32BigEndian;
            else if (attribute.Type == Nft.VerdictChain)
                chain = attribute.AsString;
        }

        return new NftVerdict(code, chain);
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private void Begin(ushort type, NftFamily family)
    {
        _request.Reset();
        _request.BeginMessage(type, NetlinkFlags.None);
        _request.Reserve(Nft.HeaderSize)[0] = (byte)family;
    }
}
