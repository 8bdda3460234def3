using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Portolan.Kubernetes.Client;

/// <summary>A client certificate and its key, each as PEM text or in a file that may be replaced under us.</summary>
/// <param name="Pem">The certificate, with the intermediates that the server may need, or null.</param>
/// <param name="File">Its file, or null.</param>
/// <param name="KeyPem">The key, or null.</param>
/// <param name="KeyFile">Its file, or null.</param>
public sealed record ClientCertificate(string? Pem, string? File, string? KeyPem, string? KeyFile)
{
    /// <summary>What the files were like at some moment; another value means that they were replaced.</summary>
    internal (DateTime, DateTime) Stamp => (Written(File), Written(KeyFile));

    /// <summary>Reads both.</summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="CryptographicException">They are no pair, as may be in the moment between the replacement of one and of the other.</exception>
    internal LoadedCertificate Load() => Load(Pem ?? System.IO.File.ReadAllText(File!), KeyPem ?? System.IO.File.ReadAllText(KeyFile!));

    internal static LoadedCertificate Load(string pem, string keyPem)
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPem(pem);
        if (all.Count == 0)
            throw new CryptographicException("there is no certificate in the client certificate's PEM");
        try
        {
            return new LoadedCertificate(X509Certificate2.CreateFromPem(pem, keyPem), [.. all.Skip(1)]);
        }
        catch (ArgumentException e)
        {
            throw new CryptographicException(e.Message, e);
        }
    }

    private static DateTime Written(string? file) => file is null ? default : System.IO.File.GetLastWriteTimeUtc(file);
}

/// <summary>A client certificate with its key, and what leads from it to an authority. Compared by reference: another one needs other connections.</summary>
internal sealed class LoadedCertificate(X509Certificate2 certificate, X509Certificate2Collection intermediates)
{
    public X509Certificate2 Certificate { get; } = certificate;

    public X509Certificate2Collection Intermediates { get; } = intermediates;
}

/// <summary>Whom each request is to be taken to come from (<c>kubectl --as</c>).</summary>
/// <param name="User">The user's name.</param>
/// <param name="Uid">The user's uid, or null.</param>
/// <param name="Group">The user's group, or null. The API takes a header for each group, and .NET's HTTP client makes one header of all.</param>
/// <param name="Extra">Other properties of the user, of one value each for the same reason.</param>
public sealed record Impersonation(string User, string? Uid, string? Group, IReadOnlyDictionary<string, string> Extra)
{
    internal IEnumerable<(string Name, string Value)> Headers()
    {
        yield return ("Impersonate-User", User);
        if (Uid is not null)
            yield return ("Impersonate-Uid", Uid);
        if (Group is not null)
            yield return ("Impersonate-Group", Group);
        foreach (var (key, value) in Extra)
            yield return ("Impersonate-Extra-" + Uri.EscapeDataString(key), value);
    }
}
