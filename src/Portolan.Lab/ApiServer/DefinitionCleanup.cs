using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer;

/// <summary>
/// Deletes the objects of a CustomResourceDefinition that is going away, and lets it go when the last of them is gone. The objects' own finalizers
/// are respected: each object that goes is a reason to look again.
/// </summary>
internal sealed partial class DefinitionCleanup
{
    private const string Definitions = "customresourcedefinitions.apiextensions.k8s.io";
    private static readonly WriteOptions Options = new(false, FieldValidation.Ignore, null, false);

    private readonly ServerContext _server;
    private readonly ObjectUpdate _update;
    private readonly Deletion _deletion;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<string, bool> _going = new(StringComparer.Ordinal);

    // One token is enough: a look covers all definitions that are going.
    private readonly Channel<bool> _look = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public DefinitionCleanup(ServerContext server, ObjectUpdate update, Deletion deletion, ILogger<DefinitionCleanup> logger)
    {
        (_server, _update, _deletion, _logger) = (server, update, deletion, logger);
        server.Store.Committed += Observe;
        foreach (var definition in server.Store.List(Definitions, null).Objects)
            if (Deletion.IsMarked(definition))
                Going(definition.Key.Name);
    }

    public async Task RunAsync(CancellationToken cancellation)
    {
        while (await _look.Reader.WaitToReadAsync(cancellation))
        {
            _look.Reader.TryRead(out _);
            foreach (var name in _going.Keys)
            {
                try
                {
                    await CleanAsync(name, cancellation);
                }
                catch (ApiException e)
                {
                    // Somebody changed it in between; the next change of any of its objects looks again.
                    LogRetry(_logger, name, e.Message);
                }
            }
        }
    }

    private void Observe(WatchEvent e)
    {
        if (e.New.Resource == Definitions)
        {
            if (e.Deleted) _going.TryRemove(e.New.Key.Name, out _);
            else if (Deletion.IsMarked(e.New)) Going(e.New.Key.Name);
        }
        else if (e.Deleted && _going.ContainsKey(e.New.Resource))
        {
            // A definition's name is its objects' storage name.
            _look.Writer.TryWrite(true);
        }
    }

    private void Going(string name)
    {
        _going[name] = true;
        _look.Writer.TryWrite(true);
    }

    private async Task CleanAsync(string name, CancellationToken cancellation)
    {
        var resource = _server.Kinds.All.FirstOrDefault(r => r.Definition == name);
        if (resource is not null)
        {
            var remaining = 0;
            foreach (var obj in _server.Store.List(name, null).Objects)
            {
                var target = new Target(resource, resource.StorageKind, obj.Key.Namespace.Length == 0 ? null : obj.Key.Namespace, obj.Key.Name, null);
                if (!(await _deletion.DeleteAsync(target, new(), cancellation)).Gone) remaining++;
            }

            if (remaining > 0) return;
        }

        var definitions = _server.Kinds.Find("apiextensions.k8s.io", "customresourcedefinitions")!;
        await _update.ChangeAsync(new(definitions, definitions.StorageKind, null, name, null), definition =>
        {
            var left = (definition["metadata"]!["finalizers"] as JsonArray ?? []).Select(f => (string?)f ?? "").Where(f => f != DefinitionStrategy.CleanupFinalizer);
            definition["metadata"]!["finalizers"] = JsonText.Strings(left);
            return definition;
        }, Options, cancellation);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "cleaning up {Definition} will go on later: {Reason}")]
    private static partial void LogRetry(ILogger logger, string definition, string reason);
}
