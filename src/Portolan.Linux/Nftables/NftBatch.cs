using System.Buffers.Binary;
using Portolan.Linux.Netlink;

namespace Portolan.Linux.Nftables;

/// <summary>
/// A transaction on one table: everything in it happens, or nothing. Kept by its owner and used again, it stops allocating.
/// Elements of the same set written one after the other share messages.
/// </summary>
public sealed class NftBatch
{
    // An attribute's length has 16 bits: a list of elements must stay below 64 KiB.
    private const int MaxElementsLength = 60_000;
    // libnftnl: NFTNL_UDATA_SET_KEYBYTEORDER or _DATABYTEORDER, 4 bytes, BYTEORDER_HOST_ENDIAN. Without it nft shows a number with its bytes swapped.
    private static readonly byte[] KeyInHostOrder = [0, 4, .. BitConverter.GetBytes(1)];
    private static readonly byte[] DataInHostOrder = [1, 4, .. BitConverter.GetBytes(1)];

    private readonly NetlinkWriter _writer = new(4096);
    private readonly NftFamily _family;
    private readonly string _table;
    private uint _setId;
    private string? _elementsSet;
    private ushort _elementsType;
    private int _elementsStart;
    private int _lastMessage;

    /// <summary>A transaction on a table.</summary>
    public NftBatch(NftFamily family, string table)
    {
        _family = family;
        _table = table;
        Reset();
    }

    /// <summary>The messages in the transaction.</summary>
    public int Count { get; private set; }

    /// <summary>The elements added and deleted in the transaction.</summary>
    public int ElementCount { get; private set; }

    /// <summary>Whether nothing would change.</summary>
    public bool IsEmpty => Count == 0;

    internal NetlinkWriter Writer => _writer;

    /// <summary>Starts again, without anything.</summary>
    /// <param name="generation">The kernel refuses the transaction (ERESTART) where its ruleset has another generation; null does not ask.</param>
    public void Reset(uint? generation = null)
    {
        _writer.Reset();
        Count = ElementCount = 0;
        _setId = 0;
        _elementsSet = null;
        _writer.BeginMessage(Nft.BatchBegin, NetlinkFlags.Request);
        BinaryPrimitives.WriteUInt16BigEndian(_writer.Reserve(Nft.HeaderSize)[2..], Nft.Subsystem);
        if (generation is { } id)
            _writer.PutUInt32BigEndian(Nft.BatchGeneration, id);
        _writer.EndMessage();
    }

    /// <summary>Makes room for a transaction of about so many bytes.</summary>
    public void Expect(int bytes) => _writer.Expect(bytes);

    /// <summary>Creates the table unless it exists.</summary>
    public void AddTable()
    {
        Begin(Nft.NewTable, NetlinkFlags.Create);
        _writer.PutString(Nft.TableName, _table);
        _writer.PutUInt32BigEndian(Nft.TableFlags, 0);
        _writer.EndMessage();
    }

    /// <summary>Deletes the table with everything in it.</summary>
    public void DeleteTable()
    {
        Begin(Nft.DelTable, NetlinkFlags.None);
        _writer.PutString(Nft.TableName, _table);
        _writer.EndMessage();
    }

    /// <summary>Creates a chain unless it exists.</summary>
    public void AddChain(string name)
    {
        Begin(Nft.NewChain, NetlinkFlags.Create);
        _writer.PutString(Nft.ChainTable, _table);
        _writer.PutString(Nft.ChainName, name);
        _writer.EndMessage();
    }

    /// <summary>Creates a base chain of type <c>nat</c>, policy accept, unless it exists.</summary>
    public void AddNatChain(string name, NftHook hook, int priority) => AddBaseChain(name, "nat", hook, priority);

    /// <summary>Creates a base chain that sees every packet, unless it exists. Its policy is accept.</summary>
    public void AddFilterChain(string name, NftHook hook, int priority) => AddBaseChain(name, "filter", hook, priority);

    private void AddBaseChain(string name, string type, NftHook hook, int priority)
    {
        Begin(Nft.NewChain, NetlinkFlags.Create);
        _writer.PutString(Nft.ChainTable, _table);
        _writer.PutString(Nft.ChainName, name);
        var nested = _writer.BeginNested(Nft.ChainHook);
        _writer.PutUInt32BigEndian(Nft.HookNumber, (uint)hook);
        _writer.PutUInt32BigEndian(Nft.HookPriority, (uint)priority);
        _writer.EndNested(nested);
        _writer.PutUInt32BigEndian(Nft.ChainPolicy, (uint)NftVerdictCode.Accept);
        _writer.PutString(Nft.ChainType, type);
        _writer.EndMessage();
    }

    /// <summary>Deletes a chain, which nothing may lead to any more. Its rules go first.</summary>
    public void DeleteChain(string name)
    {
        Begin(Nft.DelChain, NetlinkFlags.None);
        _writer.PutString(Nft.ChainTable, _table);
        _writer.PutString(Nft.ChainName, name);
        _writer.EndMessage();
    }

    /// <summary>Deletes every rule of a chain.</summary>
    public void FlushChain(string name)
    {
        Begin(Nft.DelRule, NetlinkFlags.None);
        _writer.PutString(Nft.RuleTable, _table);
        _writer.PutString(Nft.RuleChain, name);
        _writer.EndMessage();
    }

    /// <summary>Deletes one rule. Where it is gone the transaction fails (ENOENT).</summary>
    public void DeleteRule(string chain, ulong handle)
    {
        Begin(Nft.DelRule, NetlinkFlags.None);
        _writer.PutString(Nft.RuleTable, _table);
        _writer.PutString(Nft.RuleChain, chain);
        _writer.PutUInt64BigEndian(Nft.RuleHandle, handle);
        _writer.EndMessage();
    }

    /// <summary>Adds a rule at the end of a chain.</summary>
    /// <param name="chain">The chain.</param>
    /// <param name="rule">The rule.</param>
    /// <param name="userData">Up to 256 bytes the kernel keeps with the rule, in libnftnl's type-length-value form.</param>
    public void AddRule(string chain, NftRule rule, ReadOnlySpan<byte> userData = default)
    {
        Begin(Nft.NewRule, NetlinkFlags.Create | NetlinkFlags.Append);
        _writer.PutString(Nft.RuleTable, _table);
        _writer.PutString(Nft.RuleChain, chain);
        var nested = _writer.BeginNested(Nft.RuleExpressions);
        rule.Expressions.CopyTo(_writer.Reserve(rule.Expressions.Length));
        _writer.EndNested(nested);
        if (!userData.IsEmpty)
            _writer.Put(Nft.RuleUserData, userData);
        _writer.EndMessage();
    }

    /// <summary>Creates a set or a map unless it exists.</summary>
    public void AddSet(NftSet set)
    {
        Begin(Nft.NewSet, NetlinkFlags.Create);
        _writer.PutString(Nft.SetTable, _table);
        _writer.PutString(Nft.SetName, set.Name);
        _writer.PutUInt32BigEndian(Nft.SetFlags, (uint)set.Flags);
        _writer.PutUInt32BigEndian(Nft.SetKeyType, set.KeyType);
        _writer.PutUInt32BigEndian(Nft.SetKeyLength, set.KeyLength);
        if (set.Flags.HasFlag(NftSetFlags.Map))
        {
            _writer.PutUInt32BigEndian(Nft.SetDataType, set.DataType);
            _writer.PutUInt32BigEndian(Nft.SetDataLength, set.DataLength);
        }

        if (set.KeyType == NftTypes.Mark || set.DataType == NftTypes.Mark)
            _writer.Put(Nft.SetUserData, [.. set.KeyType == NftTypes.Mark ? KeyInHostOrder : [], .. set.DataType == NftTypes.Mark ? DataInHostOrder : []]);

        PutDescription(set);
        if (set.HasCounters)
            PutCounter(Nft.SetExpression);

        _writer.PutUInt32BigEndian(Nft.SetId, ++_setId);
        _writer.EndMessage();
    }

    private void PutDescription(NftSet set)
    {
        if (set.Size == 0 && !set.Flags.HasFlag(NftSetFlags.Concat))
            return;
        var nested = _writer.BeginNested(Nft.SetDescription);
        if (set.Size != 0)
            _writer.PutUInt32BigEndian(Nft.DescriptionSize, set.Size);
        if (set.Flags.HasFlag(NftSetFlags.Concat))
        {
            var fields = _writer.BeginNested(Nft.DescriptionConcat);
            for (var shift = 24; shift >= 0; shift -= 6)
            {
                if (((set.KeyType >> shift) & 63) is not 0 and var field)
                {
                    var item = _writer.BeginNested(Nft.ListElement);
                    _writer.PutUInt32BigEndian(Nft.FieldLength, NftTypes.FieldLength(field));
                    _writer.EndNested(item);
                }
            }

            _writer.EndNested(fields);
        }

        _writer.EndNested(nested);
    }

    private void PutCounter(ushort attribute)
    {
        var expression = _writer.BeginNested(attribute);
        _writer.PutString(Nft.ExpressionName, "counter");
        _writer.EndNested(_writer.BeginNested(Nft.ExpressionData));
        _writer.EndNested(expression);
    }

    /// <summary>Deletes a set or a map, which no rule may use any more.</summary>
    public void DeleteSet(string name)
    {
        Begin(Nft.DelSet, NetlinkFlags.None);
        _writer.PutString(Nft.SetTable, _table);
        _writer.PutString(Nft.SetName, name);
        _writer.EndMessage();
    }

    /// <summary>Deletes every element of a set or a map.</summary>
    public void FlushSet(string name)
    {
        Begin(Nft.DelSetElement, NetlinkFlags.None);
        _writer.PutString(Nft.ElementsTable, _table);
        _writer.PutString(Nft.ElementsSet, name);
        _writer.EndMessage();
    }

    /// <summary>Adds a value to a set.</summary>
    /// <param name="set">The set.</param>
    /// <param name="key">The value, each field padded to 4 bytes.</param>
    /// <param name="intervalEnd">The value ends a range, exclusively; otherwise it starts one, or is itself the element.</param>
    public void AddElement(string set, ReadOnlySpan<byte> key, bool intervalEnd = false)
    {
        var element = BeginElement(Nft.NewSetElement, set, key);
        if (intervalEnd)
            _writer.PutUInt32BigEndian(Nft.ElementFlags, Nft.ElementIntervalEnd);
        EndElement(element);
    }

    /// <summary>Adds a range to a set of concatenations (<see cref="NftSetFlags.Concat"/>).</summary>
    /// <param name="set">The set.</param>
    /// <param name="first">The first key, each field padded to 4 bytes.</param>
    /// <param name="last">The last key, inclusively.</param>
    public void AddRange(string set, ReadOnlySpan<byte> first, ReadOnlySpan<byte> last) => EndElement(BeginRange(Nft.NewSetElement, set, first, last));

    /// <summary>Deletes a range from a set of concatenations. Where there is none exactly so the transaction fails (ENOENT).</summary>
    public void DeleteRange(string set, ReadOnlySpan<byte> first, ReadOnlySpan<byte> last) => EndElement(BeginRange(Nft.DelSetElement, set, first, last));

    private int BeginRange(ushort type, string set, ReadOnlySpan<byte> first, ReadOnlySpan<byte> last)
    {
        var element = BeginElement(type, set, first);
        var nested = _writer.BeginNested(Nft.ElementKeyEnd);
        _writer.Put(Nft.DataValue, last);
        _writer.EndNested(nested);
        return element;
    }

    /// <summary>Adds a key and its data to a map. A key that is there with other data makes the transaction fail.</summary>
    public void AddElement(string map, ReadOnlySpan<byte> key, ReadOnlySpan<byte> data)
    {
        var element = BeginElement(Nft.NewSetElement, map, key);
        var nested = _writer.BeginNested(Nft.ElementData);
        _writer.Put(Nft.DataValue, data);
        _writer.EndNested(nested);
        EndElement(element);
    }

    /// <summary>Adds a value to a set, or a key and its data to a map, that expires by itself.</summary>
    /// <param name="set">Has <see cref="NftSetFlags.Timeout"/>.</param>
    /// <param name="key">The value, each field padded to 4 bytes.</param>
    /// <param name="data">A map's data; empty for a set.</param>
    /// <param name="timeout">At least a millisecond.</param>
    public void AddElement(string set, ReadOnlySpan<byte> key, ReadOnlySpan<byte> data, TimeSpan timeout)
    {
        var element = BeginElement(Nft.NewSetElement, set, key);
        _writer.PutUInt64BigEndian(Nft.ElementTimeout, (ulong)Math.Max(1, timeout.TotalMilliseconds));
        if (!data.IsEmpty)
        {
            var nested = _writer.BeginNested(Nft.ElementData);
            _writer.Put(Nft.DataValue, data);
            _writer.EndNested(nested);
        }

        EndElement(element);
    }

    /// <summary>Adds a key and its verdict to a verdict map.</summary>
    public void AddElement(string map, ReadOnlySpan<byte> key, NftVerdict verdict)
    {
        var element = BeginElement(Nft.NewSetElement, map, key);
        var nested = _writer.BeginNested(Nft.ElementData);
        NftRule.PutVerdict(_writer, verdict);
        _writer.EndNested(nested);
        EndElement(element);
    }

    /// <summary>Deletes the element with this key. Where there is none the transaction fails (ENOENT).</summary>
    public void DeleteElement(string set, ReadOnlySpan<byte> key) => EndElement(BeginElement(Nft.DelSetElement, set, key));

    private int BeginElement(ushort type, string set, ReadOnlySpan<byte> key)
    {
        if (_elementsSet is not null && (_elementsType != type || _elementsSet != set || _writer.Length - _elementsStart > MaxElementsLength))
            CloseElements();
        if (_elementsSet is null)
        {
            Begin(type, type == Nft.NewSetElement ? NetlinkFlags.Create | NetlinkFlags.Exclusive : NetlinkFlags.None);
            _writer.PutString(Nft.ElementsTable, _table);
            _writer.PutString(Nft.ElementsSet, set);
            _elementsStart = _writer.BeginNested(Nft.Elements);
            (_elementsSet, _elementsType) = (set, type);
        }

        ElementCount++;
        var element = _writer.BeginNested(Nft.ListElement);
        var nested = _writer.BeginNested(Nft.ElementKey);
        _writer.Put(Nft.DataValue, key);
        _writer.EndNested(nested);
        return element;
    }

    private void EndElement(int element) => _writer.EndNested(element);

    private void CloseElements()
    {
        if (_elementsSet is null)
            return;
        _writer.EndNested(_elementsStart);
        _writer.EndMessage();
        _elementsSet = null;
    }

    private void Begin(ushort type, NetlinkFlags flags)
    {
        CloseElements();
        Count++;
        _lastMessage = _writer.Length;
        _writer.BeginMessage(type, NetlinkFlags.Request | flags);
        _writer.Reserve(Nft.HeaderSize)[0] = (byte)_family;
    }

    internal void Finish(uint sequence, uint last)
    {
        CloseElements();
        _writer.BeginMessage(Nft.BatchEnd, NetlinkFlags.Request);
        BinaryPrimitives.WriteUInt16BigEndian(_writer.Reserve(Nft.HeaderSize)[2..], Nft.Subsystem);
        _writer.EndMessage();
        _writer.SetSequences(sequence);
        _writer.SetSequence(_lastMessage, last);
        _writer.AddFlags(_lastMessage, NetlinkFlags.Ack);
    }
}
