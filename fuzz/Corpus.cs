using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Portolan.Fuzz;

/// <summary>The committed inputs of a target: what mutations start from, and every input that once broke something.</summary>
public static class Corpus
{
    /// <summary>Where a target's inputs lie in the source tree.</summary>
    public static string Directory(string target) => Path.Combine(Path.GetDirectoryName(ThisFile())!, "corpus", target);

    /// <summary>All inputs, by name.</summary>
    public static IReadOnlyList<(string Name, byte[] Bytes)> Read(string directory) =>
        [.. System.IO.Directory.GetFiles(directory).Order(StringComparer.Ordinal).Select(f => (Path.GetFileName(f), File.ReadAllBytes(f)))];

    /// <summary>Keeps an input that broke something; gives its path.</summary>
    public static string Keep(string directory, byte[] input)
    {
        var path = Path.Combine(directory, $"crash-{Convert.ToHexStringLower(SHA256.HashData(input))[..12]}");
        File.WriteAllBytes(path, input);
        return path;
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
