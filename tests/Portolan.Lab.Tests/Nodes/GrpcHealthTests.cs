using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Portolan.Lab.Nodes.Pods;

namespace Portolan.Lab.Tests.Nodes;

public sealed class GrpcHealthTests
{
    [Theory]
    [InlineData(1, "0", true, "")]
    [InlineData(2, "0", false, "service unhealthy (responded with \"NOT_SERVING\")")]
    [InlineData(0, "0", false, "service unhealthy (responded with \"UNKNOWN\")")]
    [InlineData(1, "12", false, "this server does not implement the grpc health protocol")]
    [InlineData(1, "5", false, "failed with status 5")]
    public async Task TellsHowAServiceIs(byte status, string code, bool success, string words)
    {
        var asked = "";
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2));
        await using var app = builder.Build();
        app.Run(async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            asked = $"{http.Request.Path} {Convert.ToHexString(body.ToArray())}";
            http.Response.ContentType = "application/grpc";
            await http.Response.Body.WriteAsync(new byte[] { 0, 0, 0, 0, 2, 8, status });
            http.Features.Get<IHttpResponseTrailersFeature>()!.Trailers["grpc-status"] = code;
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        var port = new Uri(app.Urls.Single()).Port;

        var result = await GrpcHealth.CheckAsync("127.0.0.1", port, "db", TestContext.Current.CancellationToken);
        Assert.Equal(success, result.Success);
        if (!success)
            Assert.Contains(words, result.Message, StringComparison.Ordinal);
        Assert.Equal("/grpc.health.v1.Health/Check 00000000040A026462", asked);
    }
}
