using Portolan.Core.Cluster;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>
/// Lists, whole or in pages. All pages show one moment: a later page undoes what happened since, as long as the store's history reaches back to it;
/// then the client is told so, with a token to go on without that promise.
/// </summary>
internal sealed class ListRequests(ServerContext server)
{
    public ListPage List(Target target, IReadOnlyDictionary<string, string> query)
    {
        var options = ListOptions.Parse(query, target, watch: false);
        if (options.Continue.Length > 0) return Continue(target, options, ContinueToken.Parse(options.Continue));
        if (options.Revision is { } asked)
        {
            RequireNotFuture(asked);
            if (options.AtRevision)
                return Page(target, options, server.Store.ListAt(target.Storage, target.Namespace, asked) ?? throw ApiErrors.Expired("The resourceVersion for the provided list is too old."), default);
        }

        return Page(target, options, server.Store.List(target.Storage, target.Namespace), default);
    }

    private ListPage Continue(Target target, ListOptions options, ContinueToken token)
    {
        if (token.Revision == ContinueToken.Inconsistent) return Page(target, options, server.Store.List(target.Storage, target.Namespace), token.Start);
        RequireNotFuture(token.Revision);
        if (server.Store.ListAt(target.Storage, target.Namespace, token.Revision) is { } snapshot) return Page(target, options, snapshot, token.Start);
        throw ApiErrors.Expired(
            "The provided continue parameter is too old to display a consistent list result. Start a new list without it, or go on with the token in this response: "
            + "then the list is inconsistent, objects changed since its first page may show up or be missing.",
            (token with { Revision = ContinueToken.Inconsistent }).ToString());
    }

    private static ListPage Page(Target target, ListOptions options, ObjectSnapshot snapshot, ObjectKey start)
    {
        var all = options.Labels.IsEmpty && options.Fields.IsEmpty;
        var objects = snapshot.From(start);
        if (options.Fields.Name is { } name && (target.Namespace is not null || !target.Kind.Namespaced))
            objects = snapshot.From(new(target.Namespace ?? "", name)).TakeWhile(o => o.Key.Name == name && o.Key.CompareTo(start) >= 0);
        if (!all) objects = objects.Where(options.Matches);
        if (options.Limit is not { } limit) return new(objects, snapshot.Revision, null, null);
        var page = new List<StoredObject>();
        using var rest = objects.GetEnumerator();
        while (rest.MoveNext())
        {
            if (page.Count < limit)
            {
                page.Add(rest.Current);
                continue;
            }

            // What remains can be told without looking at it only when nothing is selected.
            long? remaining = all ? 1 : null;
            while (all && rest.MoveNext()) remaining++;
            return new(page, snapshot.Revision, ContinueToken.After(page[^1].Key, snapshot.Revision).ToString(), remaining);
        }

        return new(page, snapshot.Revision, null, null);
    }

    private void RequireNotFuture(long revision)
    {
        if (server.Store.Revision is var current && revision > current) throw ApiErrors.TooLargeVersion(revision, current);
    }
}
