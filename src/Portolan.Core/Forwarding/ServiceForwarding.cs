using Portolan.Core.Cluster;

namespace Portolan.Core.Forwarding;

/// <summary>All that is in force for one Service.</summary>
/// <param name="Key">Which Service.</param>
/// <param name="Service">The Service as last told of, or null where it is gone.</param>
/// <param name="HealthCheck">What its health check port answers by, or null where it has none.</param>
/// <param name="Ports">Its Service ports, without fronts that belong to another Service.</param>
public readonly record struct ServiceForwarding(ObjectKey Key, ServiceFacts? Service, HealthCheckPlan? HealthCheck, IReadOnlyList<ServicePortPlan> Ports);
