using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Portolan.Lab.ApiServer.Admission;
using Portolan.Lab.ApiServer.Auth;
using Portolan.Lab.ApiServer.Auth.Reviews;
using Portolan.Lab.ApiServer.FieldOwnership;
using Portolan.Lab.ApiServer.Patching;
using Portolan.Lab.ApiServer.Proxying;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>REST over the resources: verbs by method and path.</summary>
internal sealed class ResourceRequests(
    ServerContext server, ObjectReplies replies, ListRequests lists, WatchRequests watches, Subresources subresources, ResourceProxy proxy, Reviews reviews,
    ObjectCreation creation, ObjectUpdate update, ObjectPatch patch, Deletion deletion)
{
    public async Task HandleAsync(HttpContext context, RequestPath path, Identity who)
    {
        if (server.Kinds.Find(path.Group, path.Version, path.Resource) is not var (resource, kind)) throw ApiErrors.NoSuchPath();
        if (path.Namespace is not null && !kind.Namespaced) throw ApiErrors.NoSuchPath();
        var target = new Target(resource, kind, path.Namespace, path.Name, path.Subresource);
        var query = Query(context.Request);
        var caller = new Caller(who, warning => Reply.Warn(context, [warning]));
        if (kind.DeprecationWarning is { } deprecated)
            Reply.Warn(context, [deprecated]);
        if (Reviews.IsReview(kind))
        {
            await ReviewAsync(context, target, who);
            return;
        }

        if (target.Name is not null && kind.Namespaced && target.Namespace is null) throw ApiErrors.NoSuchPath();
        if (target.Subresource is { } sub && sub is not ("status" or "finalize" or "approval"))
        {
            if (!kind.Subresources.Contains(sub)) throw ApiErrors.NoSuchPath();
            await (sub == "proxy"
                ? proxy.HandleAsync(context, target, path.ProxyPath)
                : subresources.HandleAsync(context, target, query, Options(context.Request, query) with { By = caller }));
            return;
        }

        if (target.Subresource is not null && !kind.Subresources.Contains(target.Subresource)) throw ApiErrors.NoSuchPath();
        await (target.Name is null ? CollectionAsync(context, target, query, path.WatchPrefix, caller) : ObjectAsync(context, target, query, path.WatchPrefix, caller));
    }

    private async Task CollectionAsync(HttpContext context, Target target, Dictionary<string, string> query, bool watch, Caller caller)
    {
        switch (context.Request.Method)
        {
            case "GET" when watch || ListOptions.Flag(query, "watch") == true:
                await watches.WatchAsync(context, target, query);
                return;
            case "GET" or "HEAD":
                await replies.ListAsync(context, target, lists.List(target, query));
                return;
            case "POST":
                if (target.Kind.Namespaced && target.Namespace is null) throw ApiErrors.MethodNotAllowed();
                var options = Options(context.Request, query) with { By = caller };
                var body = await BodyAsync(context);
                var created = await creation.CreateAsync(target, body, options, context.RequestAborted);
                Reply.Warn(context, options.Warnings);
                await replies.ObjectAsync(context, target, created, 201);
                return;
            case "DELETE":
                await DeleteCollectionAsync(context, target, query, caller);
                return;
            default:
                throw ApiErrors.MethodNotAllowed();
        }
    }

    private async Task ObjectAsync(HttpContext context, Target target, Dictionary<string, string> query, bool watch, Caller caller)
    {
        var options = Options(context.Request, query) with { By = caller, Patch = context.Request.Method == "PATCH" };
        switch (context.Request.Method)
        {
            case "GET" when watch || ListOptions.Flag(query, "watch") == true:
                query["fieldSelector"] = $"metadata.name={target.Name}";
                await watches.WatchAsync(context, target with { Name = null }, query);
                return;
            case "GET" or "HEAD":
                await replies.ObjectAsync(context, target, server.Store.Find(target.Storage, target.Key) ?? throw target.NotFound());
                return;
            case "PUT":
                var body = await BodyAsync(context);
                var replaced = await update.ReplaceAsync(target, body, options, context.RequestAborted);
                Reply.Warn(context, options.Warnings);
                await replies.ObjectAsync(context, target, replaced);
                return;
            case "PATCH":
                var bytes = await BodyReader.ReadBytesAsync(context.Request, context.RequestAborted);
                var (patched, made) = await patch.PatchAsync(target, bytes, context.Request.ContentType, options, context.RequestAborted);
                Reply.Warn(context, options.Warnings);
                await replies.ObjectAsync(context, target, patched, made ? 201 : 200);
                return;
            case "DELETE" when target.Subresource is null:
                await DeleteAsync(context, target, query, caller);
                return;
            default:
                throw ApiErrors.MethodNotAllowed();
        }
    }

    private async Task DeleteAsync(HttpContext context, Target target, Dictionary<string, string> query, Caller caller)
    {
        var (last, gone) = await deletion.DeleteAsync(target, await DeleteOptionsAsync(context, query) with { By = caller }, context.RequestAborted);
        // A pod is answered with itself, also when it went at once; others with a Status once they are gone.
        if (!gone || target.Storage == "pods")
        {
            await replies.ObjectAsync(context, target, last);
            return;
        }

        var details = new JsonObject { ["name"] = last.Key.Name };
        if (target.Kind.Group.Length > 0) details["group"] = target.Kind.Group;
        details["kind"] = target.Kind.Plural;
        details["uid"] = (StoredJson.Parse(last.MetadataJson) as JsonObject).Text("uid");
        await Reply.JsonAsync(context, new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["details"] = details });
    }

    private async Task DeleteCollectionAsync(HttpContext context, Target target, Dictionary<string, string> query, Caller caller)
    {
        // Not across namespaces, and not all namespaces: nobody means that.
        if (target.Storage == "namespaces" || (target.Kind.Namespaced && target.Namespace is null)) throw ApiErrors.MethodNotAllowed();
        var options = await DeleteOptionsAsync(context, query) with { By = caller };
        query.Remove("limit");
        query.Remove("continue");
        var page = lists.List(target, query);
        var deleted = new ConcurrentQueue<StoredObject>();
        // Each waits for the disk; together they wait for it a few times.
        await Parallel.ForEachAsync(page.Objects, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = context.RequestAborted }, async (obj, cancellation) =>
        {
            try
            {
                deleted.Enqueue((await deletion.DeleteAsync(target with { Name = obj.Key.Name }, options, cancellation)).Object);
            }
            catch (ApiException e) when (e.Reason == "NotFound")
            {
                // Someone else deleted it: that is as good.
            }
        });
        await replies.ListAsync(context, target, new(deleted.OrderBy(o => o.Key), server.Store.Revision, null, null));
    }

    private async Task ReviewAsync(HttpContext context, Target target, Identity who)
    {
        if (context.Request.Method != "POST") throw ApiErrors.MethodNotAllowed();
        var body = Decoding.DecodeBody(target.Kind, (await BodyAsync(context)).Object);
        await Reply.JsonAsync(context, reviews.Answer(target.Kind, body, target.Namespace, who), 201);
    }

    private async Task<DeleteOptions> DeleteOptionsAsync(HttpContext context, Dictionary<string, string> query)
    {
        var bytes = await BodyReader.ReadBytesAsync(context.Request, context.RequestAborted);
        var body = bytes.Length == 0 ? null : Decoding.DecodeBody(server.Kinds.Body("DeleteOptions"), BodyReader.Parse(bytes, context.Request.ContentType).Object);
        return Deletion.Parse(body, query);
    }

    public static async Task<ParsedBody> BodyAsync(HttpContext context) =>
        BodyReader.Parse(await BodyReader.ReadBytesAsync(context.Request, context.RequestAborted), context.Request.ContentType);

    private static Dictionary<string, string> Query(HttpRequest request)
    {
        var query = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, values) in request.Query)
            if (values.Count > 0)
                query[name] = values[^1] ?? "";
        return query;
    }

    private static WriteOptions Options(HttpRequest request, Dictionary<string, string> query)
    {
        var dryRun = query.GetValueOrDefault("dryRun");
        if (dryRun is not (null or "" or "All"))
            throw ApiErrors.Invalid("meta.k8s.io", "Options", "", [new("dryRun", FieldErrorReason.FieldValueNotSupported, $"Unsupported value: \"{dryRun}\": supported values: \"All\"")]);
        var validation = query.GetValueOrDefault("fieldValidation") switch
        {
            "Strict" => FieldValidation.Strict,
            "Ignore" => FieldValidation.Ignore,
            null or "" or "Warn" => FieldValidation.Warn,
            var other => throw ApiErrors.Invalid("meta.k8s.io", "Options", "",
                [new("fieldValidation", FieldErrorReason.FieldValueNotSupported, $"Unsupported value: \"{other}\": supported values: \"Ignore\", \"Strict\", \"Warn\"")]),
        };
        var manager = query.GetValueOrDefault("fieldManager");
        if (ManagerName.Problem(manager) is { } problem) throw ApiErrors.Invalid("meta.k8s.io", "Options", "", [problem]);
        return new(dryRun == "All", validation, manager, query.GetValueOrDefault("force") is "true" or "1") { UserAgent = request.Headers.UserAgent.ToString() };
    }
}
