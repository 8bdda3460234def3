using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;

namespace Portolan.EndToEnd.Tests;

/// <summary>The container image that <c>eng/image.sh</c> makes, read with other people's tools and run from nothing but its own files.</summary>
public sealed class ImageTests(ImageTests.UnpackedImage image) : IClassFixture<ImageTests.UnpackedImage>
{
    private const string Archive = "artifacts/portolan-image.tar";

    private string Root => Path.Combine(image.Work, "bundle", "rootfs");

    [Fact]
    public void IsTheSameForTheSameFiles()
    {
        var first = Digest();
        Assert.Equal(image.BuildOutput, Build().Output);
        Assert.Equal(first, Digest());
        TestContext.Current.TestOutputHelper!.WriteLine(image.BuildOutput);
    }

    [Fact]
    public void IsReadAsAnOciArchiveAndAsADockerArchive()
    {
        foreach (var reference in (string[])[$"oci-archive:{Archive}:test", $"oci-archive:{Archive}:latest", $"docker-archive:{Archive}:portolan:test", $"docker-archive:{Archive}:portolan:latest"])
        {
            var seen = JsonNode.Parse(Shell.Run($"skopeo inspect {reference}").Succeeds().Output)!;
            Assert.Equal("linux", (string?)seen["Os"]);
            Assert.Equal("portolan", (string?)seen["Labels"]!["org.opencontainers.image.title"]);
            Assert.Equal("Apache-2.0", (string?)seen["Labels"]!["org.opencontainers.image.licenses"]);
            var version = Shell.Run($"{Repository.Binaries}/portolan version").Succeeds().Output;
            Assert.Contains($" {seen["Labels"]!["org.opencontainers.image.version"]}", version, StringComparison.Ordinal);
            Assert.Contains((string)seen["Labels"]!["org.opencontainers.image.revision"]!, version, StringComparison.Ordinal);

            var config = JsonNode.Parse(Shell.Run($"skopeo inspect --config {reference}").Succeeds().Output)!["config"]!;
            Assert.Equal("65534:65534", (string?)config["User"]);
            Assert.Equal(["portolan"], config["Entrypoint"]!.AsArray().Select(word => (string?)word));
        }

        // containerd takes the whole name from here, and would otherwise make one up.
        var index = JsonNode.Parse(Shell.Run($"tar xOf {Archive} index.json").Succeeds().Output)!;
        Assert.Equal(
            ["docker.io/library/portolan:latest", "docker.io/library/portolan:test"],
            index["manifests"]!.AsArray().Select(manifest => (string?)manifest!["annotations"]!["io.containerd.image.name"]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void HoldsTheBinaryItsLibrariesAndCertificates_AndNoShell()
    {
        var files = Shell.Run($"cd {Root} && find * ! -type d").Succeeds().Lines;
        Assert.Equal("usr/bin/portolan", Assert.Single(files, file => file.Contains("bin/", StringComparison.Ordinal)));
        var beside = files.Where(file => file != "usr/bin/portolan" && !file.Contains(".so", StringComparison.Ordinal) && !file.StartsWith("usr/share/doc/", StringComparison.Ordinal) && !file.StartsWith("tmp/", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
        Assert.Equal(["etc/group", "etc/nsswitch.conf", "etc/passwd", "etc/ssl/certs/ca-certificates.crt", "usr/lib/ssl/cert.pem", "usr/lib/ssl/certs"], beside);
        Assert.Contains("nobody:x:65534:65534:", File.ReadAllText(Path.Combine(Root, "etc/passwd")), StringComparison.Ordinal);
        Assert.DoesNotContain(files.Where(file => !file.StartsWith("usr/lib/ssl/", StringComparison.Ordinal)), file => (File.GetUnixFileMode(Path.Combine(Root, file)) & (UnixFileMode.SetUser | UnixFileMode.SetGroup | UnixFileMode.OtherWrite)) != 0);
    }

    [Theory]
    [InlineData("version", "portolan ")]
    [InlineData("controller --help", "--lb-class")]
    [InlineData("speaker --help", "--node-name")]
    [InlineData("proxy --help", "--proxy-mode")]
    [InlineData("bfd --help", "--socket")]
    [InlineData("install --print", "kind: DaemonSet")]
    public void RunsFromItsOwnFilesAlone(string arguments, string words) => Assert.Contains(words, Run(arguments).Succeeds().Output, StringComparison.Ordinal);

    /// <summary>The runtime loads its TLS library by name when it first needs it: a missing one is seen only then.</summary>
    [Fact]
    public async Task SpeaksTls()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var server = $"https://{listener.LocalEndpoint}";
        var authority = Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(certificate.ExportCertificatePem()));
        var kubeconfig = Path.Combine(Root, "tmp/kubeconfig");
        await File.WriteAllTextAsync(kubeconfig, $$$"""
            {"clusters":[{"name":"c","cluster":{"server":"{{{server}}}","certificate-authority-data":"{{{authority}}}"}}],
             "contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],"current-context":"c","users":[{"name":"u","user":{"token":"t"}}]}
            """, TestContext.Current.CancellationToken);

        var installing = Task.Run(() => Run("install --kubeconfig /tmp/kubeconfig"));
        var accepting = listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask();
        Assert.True(await Task.WhenAny(accepting, installing) == accepting, installing.IsCompleted ? (await installing).All : "");
        using (var connection = await accepting)
        await using (var tls = new SslStream(connection.GetStream()))
        {
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate, ApplicationProtocols = [SslApplicationProtocol.Http11] }, TestContext.Current.CancellationToken);
            Assert.True(await tls.ReadAsync(new byte[1], TestContext.Current.CancellationToken) > 0);
        }

        listener.Stop();
        var outcome = await installing;
        File.Delete(kubeconfig);
        Assert.Contains("cannot reach the API server", outcome.Fails().Error, StringComparison.Ordinal);
    }

    private static Outcome Build() => Shell.Run("PORTOLAN_IMAGE_AS_IS=1 eng/image.sh test", seconds: 180).Succeeds();

    private static string Digest() => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(Repository.Root, Archive))));

    /// <summary>As the image's user, seeing nothing but the image's files and the devices that a container has.</summary>
    private Outcome Run(string arguments) =>
        Shell.Run($"unshare --mount --propagation private sh -c 'mount --rbind /dev {Root}/dev && exec env -i PATH=/usr/bin /usr/sbin/chroot --userspec=65534:65534 {Root} portolan {arguments}'");

    /// <summary>Built once, and unpacked by tools that know nothing of how it was built.</summary>
    public sealed class UnpackedImage : IDisposable
    {
        public UnpackedImage()
        {
            BuildOutput = Build().Output;
            Shell.Run($"skopeo copy -q oci-archive:{Archive}:test oci:{Work}/layout:test && umoci unpack --image {Work}/layout:test {Work}/bundle").Succeeds();
        }

        public string Work { get; } = Directory.CreateTempSubdirectory("portolan-image-").FullName;

        public string BuildOutput { get; }

        public void Dispose() => Directory.Delete(Work, recursive: true);
    }
}
