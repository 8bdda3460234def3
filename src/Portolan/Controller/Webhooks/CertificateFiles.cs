using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace Portolan.Controller.Webhooks;

/// <summary>With <c>--disable-cert-rotation</c>: a certificate that somebody else keeps in two files, read again whenever they change.</summary>
internal sealed class CertificateFiles(string directory, ServingCertificate serving, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(10);
    private string _told = "";

    public async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            Read();
            await Task.Delay(_pause, time, stop);
        }
    }

    /// <summary>Reads the files once. What cannot be read leaves the certificate in use as it is.</summary>
    public void Read()
    {
        try
        {
            var read = X509Certificate2.CreateFromPemFile(Path.Combine(directory, WebhookAuthority.Certificate), Path.Combine(directory, WebhookAuthority.Key));
            if (serving.Current?.Thumbprint == read.Thumbprint)
            {
                read.Dispose();
                return;
            }

            serving.Replace(read);
            log.LogInformation("serving the webhook with the certificate of {Directory}, good until {Until:yyyy-MM-dd}", directory, read.NotAfter.ToUniversalTime());
            _told = "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            // The two files are replaced one after the other: for a moment they may not fit.
            if (_told != e.Message)
                log.LogWarning("the webhook's certificate in {Directory} cannot be read: {Reason}", directory, e.Message);
            _told = e.Message;
        }
    }
}
