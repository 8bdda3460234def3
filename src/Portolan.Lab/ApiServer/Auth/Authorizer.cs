using Portolan.Lab.ApiServer.Auth.Rbac;
using Portolan.Lab.ApiServer.Http;

namespace Portolan.Lab.ApiServer.Auth;

/// <summary>
/// Who may do what, the one place that decides: members of system:masters everything (the way in when roles are broken), node agents what concerns
/// their node, and everybody, node agents included, what roles give them.
/// </summary>
internal sealed class Authorizer(RbacIndex roles, NodeAuthorizer nodes)
{
    public RbacIndex Roles => roles;

    public AccessDecision Decide(in AccessRequest request)
    {
        if (request.Who.Groups.Contains(Identity.Masters)) return AccessDecision.Yes();
        var asNode = request.Who.Node is { } node ? nodes.Decide(request, node) : AccessDecision.No();
        if (asNode.Allowed) return asNode;
        var byRole = roles.Decide(request);
        return byRole.Allowed || asNode.Reason.Length == 0 ? byRole : asNode;
    }

    /// <exception cref="ApiException">403, in a real server's words.</exception>
    public void Require(in AccessRequest request)
    {
        if (Decide(request) is { Allowed: false } no) throw ApiErrors.Forbidden(request, no.Reason);
    }
}
