namespace Portolan.Fuzz;

/// <summary>Changes to bytes that know nothing of what they mean.</summary>
internal static class ByteMutation
{
    private const int Largest = 64 * 1024;

    public static byte[] Mutate(byte[] input, Random random, IReadOnlyList<byte[]> others, IReadOnlyList<byte[]> tokens)
    {
        var bytes = new List<byte>(input);
        for (var times = 1 + random.Next(4); times > 0; times--) Once(bytes, random, others, tokens);
        if (bytes.Count > Largest) bytes.RemoveRange(Largest, bytes.Count - Largest);
        return [.. bytes];
    }

    private static void Once(List<byte> bytes, Random random, IReadOnlyList<byte[]> others, IReadOnlyList<byte[]> tokens)
    {
        var at = random.Next(bytes.Count + 1);
        var length = Math.Min(bytes.Count - at, 1 + (random.Next(4) == 0 ? random.Next(64) : random.Next(8)));
        switch (random.Next(9))
        {
            case 0 when length > 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when length > 0:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3 when length > 0:
                var piece = bytes.GetRange(at, length);
                for (var times = random.Next(16) == 0 ? 500 : 1 + random.Next(4); times > 0; times--) bytes.InsertRange(at, piece);
                break;
            case 4 when others.Count > 0 && others[random.Next(others.Count)] is { Length: > 0 } other:
                var from = random.Next(other.Length);
                var rest = other.AsSpan(from, random.Next(Math.Min(other.Length - from, 200) + 1)).ToArray();
                bytes.RemoveRange(at, Math.Min(bytes.Count - at, random.Next(2) * rest.Length));
                bytes.InsertRange(at, rest);
                break;
            case 5 when bytes.Count > 1:
                bytes.RemoveRange(at, random.Next(bytes.Count - at + 1));
                break;
            default:
                var token = tokens[random.Next(tokens.Count)];
                if (random.Next(2) == 0) bytes.RemoveRange(at, length);
                bytes.InsertRange(at, token);
                break;
        }
    }
}
