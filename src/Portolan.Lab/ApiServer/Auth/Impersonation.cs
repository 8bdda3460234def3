using Microsoft.AspNetCore.Http;
using Portolan.Lab.ApiServer.Http;

namespace Portolan.Lab.ApiServer.Auth;

/// <summary>Acting as somebody else (<c>Impersonate-*</c> headers, <c>kubectl --as</c>): allowed to whom a role gives the verb <c>impersonate</c> on every part of it.</summary>
internal sealed class Impersonation(Authorizer access)
{
    private const string User = "Impersonate-User";
    private const string Group = "Impersonate-Group";
    private const string Uid = "Impersonate-Uid";
    private const string ExtraPrefix = "Impersonate-Extra-";
    private const string AuthenticationGroup = "authentication.k8s.io";

    /// <returns>Whom the request is to count as.</returns>
    /// <exception cref="ApiException">403: they may not; 400: nobody is named.</exception>
    public Identity Apply(Identity who, IHeaderDictionary headers)
    {
        var user = headers[User].ToString();
        if (user.Length == 0)
        {
            if (headers.ContainsKey(Group) || headers.ContainsKey(Uid)) throw ApiErrors.BadRequest($"requested impersonation of a group or uid without impersonating a user ({User})");
            return who;
        }

        var groups = headers[Group].Where(g => !string.IsNullOrEmpty(g)).Select(g => g!).ToList();
        var uid = headers[Uid].ToString();
        var account = Identity.AsServiceAccount(user);
        Require(account is var (ns, name) ? new(who, "impersonate") { Resource = "serviceaccounts", Namespace = ns, Name = name } : new(who, "impersonate") { Resource = "users", Name = user });
        foreach (var group in groups) Require(new(who, "impersonate") { Resource = "groups", Name = group });
        if (uid.Length > 0) Require(new(who, "impersonate") { Group = AuthenticationGroup, Resource = "uids", Name = uid });
        var extra = Extra(headers);
        foreach (var (key, values) in extra)
            foreach (var value in values)
                Require(new(who, "impersonate") { Group = AuthenticationGroup, Resource = "userextras", Subresource = key, Name = value });
        return new(user, GroupsOf(user, account?.Namespace, groups)) { Uid = uid.Length > 0 ? uid : null, Extra = extra };
    }

    private void Require(AccessRequest request) => access.Require(request);

    private static List<string> GroupsOf(string user, string? accountNamespace, List<string> named)
    {
        List<string> groups = accountNamespace is not null && named.Count == 0 ? [.. Identity.GroupsOfServiceAccount(accountNamespace)] : [.. named];
        var everybody = user == Identity.Anonymous.User ? Identity.AllUnauthenticated : Identity.AllAuthenticated;
        if (!groups.Contains(Identity.AllAuthenticated) && !groups.Contains(Identity.AllUnauthenticated)) groups.Add(everybody);
        return groups;
    }

    private static Dictionary<string, IReadOnlyList<string>> Extra(IHeaderDictionary headers)
    {
        var extra = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var (name, values) in headers)
        {
            if (!name.StartsWith(ExtraPrefix, StringComparison.OrdinalIgnoreCase)) continue;
#pragma warning disable CA1308 // keys are lower case
            extra[Uri.UnescapeDataString(name[ExtraPrefix.Length..].ToLowerInvariant())] = [.. values.Select(v => v ?? "")];
#pragma warning restore CA1308
        }

        return extra;
    }
}
