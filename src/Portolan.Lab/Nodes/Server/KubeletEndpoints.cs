using System.Text;

using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

using Portolan.Lab.Nodes.Logs;
using Portolan.Lab.Nodes.Pods;
using Portolan.Lab.Nodes.Server.Forwarding;

namespace Portolan.Lab.Nodes.Server;

/// <summary>What a kubelet answers: /healthz, /containerLogs, /exec, /attach, /portForward.</summary>
internal sealed class KubeletEndpoints(Func<string, string, string, ContainerView?> find, Func<string, string, PodEndpoint?> findPod, TimeProvider time, ILogger logger)
{
    public async Task HandleAsync(HttpContext http)
    {
        var parts = http.Request.Path.Value?.Split('/', StringSplitOptions.RemoveEmptyEntries) ?? [];
        try
        {
            await (parts switch
            {
                ["healthz"] => TextAsync(http, StatusCodes.Status200OK, "ok"),
                ["containerLogs", var ns, var pod, var container] when HttpMethods.IsGet(http.Request.Method) => LogsAsync(http, ns, pod, container),
                // With a uid in the middle, as the kubelet also has it.
                ["exec", var ns, var pod, .., var container] when parts.Length is 4 or 5 => StreamAsync(http, ns, pod, container, isExec: true),
                ["attach", var ns, var pod, .., var container] when parts.Length is 4 or 5 => StreamAsync(http, ns, pod, container, isExec: false),
                ["portForward", var ns, var pod, ..] when parts.Length is 3 or 4 => findPod(ns, pod) is { } endpoint
                    ? PortForwardEndpoint.HandleAsync(http, endpoint, logger)
                    : TextAsync(http, StatusCodes.Status404NotFound, $"pod \"{pod}_{ns}\" is not running here\n"),
                _ => TextAsync(http, StatusCodes.Status404NotFound, "404 page not found\n"),
            }).ConfigureAwait(false);
        }
        catch (Exception left) when (left is OperationCanceledException or IOException or System.Net.WebSockets.WebSocketException && (http.RequestAborted.IsCancellationRequested || http.Response.HasStarted))
        {
            logger.LogDebug("{Path}: the client left: {Reason}", http.Request.Path, left.Message);
        }
        catch (Exception mistake)
        {
            logger.LogError(mistake, "{Path}", http.Request.Path);
            throw;
        }
    }

    private async Task LogsAsync(HttpContext http, string ns, string pod, string container)
    {
        if (find(ns, pod, container) is not { } view)
        {
            await TextAsync(http, StatusCodes.Status404NotFound, $"container \"{container}\" not found in pod \"{pod}_{ns}\"\n").ConfigureAwait(false);
            return;
        }
        LogQuery query;
        try
        {
            query = LogQuery.Parse(name => http.Request.Query[name], time.GetUtcNow());
        }
        catch (FormatException wrong)
        {
            await TextAsync(http, StatusCodes.Status400BadRequest, wrong.Message + "\n").ConfigureAwait(false);
            return;
        }
        var log = query.Previous ? view.PreviousLog : view.Log;
        if (log is null)
        {
            var why = query.Previous
                ? $"previous terminated container \"{container}\" in pod \"{pod}\" not found"
                : $"container \"{container}\" in pod \"{pod}\" is waiting to start: {view.WaitingFor}";
            await TextAsync(http, StatusCodes.Status400BadRequest, why).ConfigureAwait(false);
            return;
        }
        http.Response.ContentType = "text/plain";
        await http.Response.StartAsync(http.RequestAborted).ConfigureAwait(false);
        await LogReader.CopyAsync(log, query, async bytes =>
        {
            await http.Response.BodyWriter.WriteAsync(bytes, http.RequestAborted).ConfigureAwait(false);
        }, http.RequestAborted).ConfigureAwait(false);
    }

    private async Task StreamAsync(HttpContext http, string ns, string pod, string container, bool isExec)
    {
        var query = http.Request.Query;
        bool Flag(string longName, string shortName) => query[longName] == "true" || query[longName] == "1" || query[shortName] == "1" || query[shortName] == "true";
        if (find(ns, pod, container) is not { Live: { } live } view)
        {
            await TextAsync(http, StatusCodes.Status404NotFound, $"container {container} is not running in pod {pod}_{ns}\n").ConfigureAwait(false);
            return;
        }
        string[] command = [.. query["command"].OfType<string>()];
        if (isExec && command.Length == 0)
        {
            await TextAsync(http, StatusCodes.Status400BadRequest, "command: at least one is required\n").ConfigureAwait(false);
            return;
        }
        // The API server speaks the API's names, a kubelet's own are input, output and error.
        var wanted = new StreamSet(
            Stdin: Flag("stdin", "input"),
            Stdout: Flag("stdout", "output"),
            Stderr: Flag("stderr", "error"),
            Terminal: Flag("tty", "tty"));
        var session = new RemoteSession(live, wanted, logger);
        Func<IRemoteStreams, CancellationToken, Task> run = isExec
            ? (streams, cancel) => session.ExecAsync(command, streams, cancel)
            : (streams, cancel) => session.AttachAsync(view.StdinOnce, streams, cancel);

        if (http.WebSockets.IsWebSocketRequest)
            await WebSocketStreams.ServeAsync(http, wanted, run).ConfigureAwait(false);
        else if (string.Equals(http.Request.Headers.Upgrade, SpdyStreams.UpgradeToken, StringComparison.OrdinalIgnoreCase) && http.Features.Get<IHttpUpgradeFeature>()?.IsUpgradableRequest == true)
            await SpdyStreams.ServeAsync(http, wanted, run, logger).ConfigureAwait(false);
        else
            await TextAsync(http, StatusCodes.Status400BadRequest, "unable to upgrade: missing upgrade headers in request\n").ConfigureAwait(false);
    }

    private static async Task TextAsync(HttpContext http, int status, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        http.Response.Headers.ContentLength = bytes.Length;
        http.Response.Headers["X-Content-Type-Options"] = "nosniff";
        await http.Response.Body.WriteAsync(bytes, http.RequestAborted).ConfigureAwait(false);
    }
}
