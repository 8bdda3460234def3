namespace Portolan.Bench.Proxy.Programming;

/// <summary>A file for <c>nft -f</c>, gone when disposed.</summary>
internal sealed class NftFile : IDisposable
{
    public NftFile(string text) => File.WriteAllText(Path, text);

    public string Path { get; } = System.IO.Path.GetTempFileName();

    public void Dispose() => File.Delete(Path);
}
