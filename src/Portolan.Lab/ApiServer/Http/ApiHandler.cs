using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Portolan.Lab.ApiServer.Auth;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>Every request passes here: who, may they, what; and every failure leaves as a <c>Status</c>.</summary>
internal sealed partial class ApiHandler(
    Authenticator authenticator, Impersonation impersonation, Authorizer access, IssuerDocuments issuer, ResourceRequests resources, Discovery discovery, OpenApiDocuments openApi, ObjectStore store, ILogger<ApiHandler> logger)
{
    private static readonly byte[] Version = JsonText.ToBytes(new JsonObject
    {
        ["major"] = "1",
        ["minor"] = "33",
        ["gitVersion"] = "v1.33.0",
        ["gitCommit"] = "0000000000000000000000000000000000000000",
        ["gitTreeState"] = "clean",
        ["buildDate"] = "2025-01-01T00:00:00Z",
        ["goVersion"] = "go1.24.2",
        ["compiler"] = "gc",
        ["platform"] = "linux/amd64",
    });

    public async Task HandleAsync(HttpContext context)
    {
        try
        {
            await DispatchAsync(context);
        }
        catch (ApiException e)
        {
            await Reply.StatusAsync(context, e);
        }
        catch (BadHttpRequestException e)
        {
            await Reply.StatusAsync(context, new ApiException(e.StatusCode, "BadRequest", e.Message));
        }
        catch (StoreBrokenException e)
        {
            LogFailure(logger, e, context.Request.Method, context.Request.Path);
            await Reply.StatusAsync(context, ApiErrors.Unavailable(e.Message));
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client is gone; whatever failed, nobody is there to be told.
        }
        catch (Exception e)
        {
            LogFailure(logger, e, context.Request.Method, context.Request.Path);
            await Reply.StatusAsync(context, ApiErrors.Internal(e.Message));
        }
    }

    private async Task DispatchAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "/";
        var who = impersonation.Apply(authenticator.Authenticate(context) ?? throw ApiErrors.Unauthorized(), context.Request.Headers);
        var isResource = RequestPath.TryParse(path, out var request);
        access.Require(isResource ? RequestAccess.OfResource(who, context.Request, request) : RequestAccess.OfPath(who, context.Request, path));
        if (isResource)
        {
            await resources.HandleAsync(context, request, who);
            return;
        }

        switch (path)
        {
            case "/healthz" or "/livez" or "/readyz":
                if (store.Failed.IsFaulted) await Reply.TextAsync(context, "the store cannot be written", 500);
                else await Reply.TextAsync(context, "ok");
                return;
            case "/version":
                await Reply.BytesAsync(context, Version, "application/json");
                return;
            case IssuerDocuments.ConfigurationPath:
                await Reply.BytesAsync(context, issuer.Configuration, "application/json");
                return;
            case IssuerDocuments.KeysPath:
                await Reply.BytesAsync(context, issuer.Keys, IssuerDocuments.KeysType);
                return;
            case "/openapi/v3":
                await DocumentReplies.SendAsync(context, openApi.Index(), "application/json");
                return;
            case "/openapi/v2" when context.Request.Headers.Accept.ToString().Contains(OpenApiV2Document.Accepted, StringComparison.Ordinal):
                await DocumentReplies.SendAsync(context, openApi.V2(), OpenApiV2Document.ContentType);
                return;
            case "/":
                await Reply.JsonAsync(context, new JsonObject { ["paths"] = JsonText.Strings(["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]) });
                return;
        }

        if (path.StartsWith("/openapi/v3/", StringComparison.Ordinal))
        {
            if (openApi.Document(path["/openapi/v3/".Length..]) is not { } schemas) throw ApiErrors.NoSuchPath();
            await DocumentReplies.SendHashedAsync(context, schemas);
            return;
        }

        if (HttpMethods.IsGet(context.Request.Method) && discovery.Find(path, context.Request.Headers.Accept.ToString()) is var (document, type))
        {
            await DocumentReplies.SendAsync(context, document, type);
            return;
        }

        throw ApiErrors.NoSuchPath();
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed")]
    private static partial void LogFailure(ILogger logger, Exception e, string method, string path);
}
