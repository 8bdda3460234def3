using Portolan.Lab.ApiServer.Admission;
using Portolan.Lab.ApiServer.Admission.PodSecurity;
using Portolan.Lab.ApiServer.Auth;
using Portolan.Lab.ApiServer.Auth.Certificates;
using Portolan.Lab.ApiServer.Auth.Rbac;
using Portolan.Lab.ApiServer.Conversion;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>What every request needs.</summary>
internal sealed class ServerContext
{
    private readonly Dictionary<string, ResourceStrategy> _strategies;

    public ServerContext(ObjectStore store, KindRegistry kinds, ServiceAllocations allocations, Authorizer access, TimeProvider clock, long defaultTolerationSeconds)
    {
        (Store, Kinds, Access, Clock) = (store, kinds, access, clock);
        var security = new PodSecurityAdmission(store);
        _strategies = new(StringComparer.Ordinal)
        {
            ["pods"] = new PodStrategy(defaultTolerationSeconds, store, security),
            ["jobs.batch"] = new JobStrategy(),
            ["services"] = new ServiceStrategy(allocations),
            ["nodes"] = new NodeStrategy(),
            ["namespaces"] = new NamespaceStrategy(),
            ["secrets"] = new SecretStrategy(),
            ["customresourcedefinitions.apiextensions.k8s.io"] = new DefinitionStrategy(kinds, clock),
            [Signers.Storage] = new SigningRequestStrategy(access, clock),
            [RbacIndex.Roles] = new RoleStrategy(access, "roles"),
            [RbacIndex.ClusterRoles] = new RoleStrategy(access, "clusterroles"),
            [RbacIndex.RoleBindings] = new BindingStrategy(access, "rolebindings"),
            [RbacIndex.ClusterRoleBindings] = new BindingStrategy(access, "clusterrolebindings"),
        };
        foreach (var workload in (ReadOnlySpan<string>)["replicationcontrollers", "deployments.apps", "daemonsets.apps", "replicasets.apps", "statefulsets.apps", "cronjobs.batch"])
            _strategies.Add(workload, new PodTemplateStrategy(security));
    }

    public ObjectStore Store { get; }
    public KindRegistry Kinds { get; }
    public Authorizer Access { get; }
    public TimeProvider Clock { get; }
    public required AdmissionWebhooks Admission { get; init; }
    public required VersionConversion Conversion { get; init; }

    public ResourceStrategy Strategy(ServedResource resource) => _strategies.GetValueOrDefault(resource.Storage, ResourceStrategy.Plain);
}
