using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Nodes.Pods;

/// <summary><c>v1 Pod</c>, what a node agent reads of it. The names are the API's.</summary>
internal sealed class Pod : KubeObject
{
    public static ResourceType<Pod> Type { get; } = new("", "v1", "pods", "Pod", true, PodJson.Default.Pod);

    public PodSpec Spec { get; set; } = new();
    public PodStatus? Status { get; set; }

    [JsonIgnore]
    public string Uid => Metadata.Uid ?? "";

    [JsonIgnore]
    public string Namespace => Metadata.Namespace ?? "";

    [JsonIgnore]
    public string Name => Metadata.Name ?? "";
}

internal sealed class PodSpec
{
    public string? NodeName { get; set; }
    public string? ServiceAccountName { get; set; }
    public bool? AutomountServiceAccountToken { get; set; }
    public bool? HostNetwork { get; set; }
    public string? Hostname { get; set; }
    public string? Subdomain { get; set; }
    public string? DnsPolicy { get; set; }
    public PodDnsConfig? DnsConfig { get; set; }
    public List<HostAlias>? HostAliases { get; set; }
    public string? RestartPolicy { get; set; }
    public long? TerminationGracePeriodSeconds { get; set; }
    public bool? EnableServiceLinks { get; set; }
    public PodSecurityContext? SecurityContext { get; set; }
    public List<Container>? InitContainers { get; set; }
    public List<Container> Containers { get; set; } = [];
    public List<Container>? EphemeralContainers { get; set; }
    public List<Volume>? Volumes { get; set; }
}

internal sealed class PodStatus
{
    public string? Phase { get; set; }
    public string? StartTime { get; set; }
    public List<JsonObject>? Conditions { get; set; }
    public List<ContainerStatusModel>? ContainerStatuses { get; set; }
    public List<ContainerStatusModel>? InitContainerStatuses { get; set; }
    public List<ContainerStatusModel>? EphemeralContainerStatuses { get; set; }
}

internal sealed class ContainerStatusModel
{
    public string Name { get; set; } = "";
    public int RestartCount { get; set; }
    public string? ContainerID { get; set; }
    public JsonObject? State { get; set; }
    public JsonObject? LastState { get; set; }
}

internal sealed class PodDnsConfig
{
    public List<string>? Nameservers { get; set; }
    public List<string>? Searches { get; set; }
    public List<DnsOption>? Options { get; set; }
}

internal sealed class DnsOption
{
    public string? Name { get; set; }
    public string? Value { get; set; }
}

internal sealed class HostAlias
{
    public string? Ip { get; set; }
    public List<string>? Hostnames { get; set; }
}

internal sealed class PodSecurityContext
{
    public uint? RunAsUser { get; set; }
    public uint? RunAsGroup { get; set; }
    public bool? RunAsNonRoot { get; set; }
    public uint? FsGroup { get; set; }
    public List<uint>? SupplementalGroups { get; set; }
}

internal sealed class SecurityContext
{
    public uint? RunAsUser { get; set; }
    public uint? RunAsGroup { get; set; }
    public bool? RunAsNonRoot { get; set; }
    public bool? Privileged { get; set; }
    public bool? ReadOnlyRootFilesystem { get; set; }
    public CapabilityNames? Capabilities { get; set; }
}

internal sealed class CapabilityNames
{
    public List<string>? Add { get; set; }
    public List<string>? Drop { get; set; }
}

internal sealed class Container
{
    public string Name { get; set; } = "";
    public string Image { get; set; } = "";
    public string? ImagePullPolicy { get; set; }
    public List<string>? Command { get; set; }
    public List<string>? Args { get; set; }
    public string? WorkingDir { get; set; }
    public List<ContainerPort>? Ports { get; set; }
    public List<EnvVar>? Env { get; set; }
    public List<EnvFromSource>? EnvFrom { get; set; }
    public List<VolumeMount>? VolumeMounts { get; set; }
    public Probe? ReadinessProbe { get; set; }
    public Probe? LivenessProbe { get; set; }
    public Probe? StartupProbe { get; set; }
    public Lifecycle? Lifecycle { get; set; }
    public SecurityContext? SecurityContext { get; set; }
    public ResourceRequirements? Resources { get; set; }
    public string? TerminationMessagePath { get; set; }
    public string? TerminationMessagePolicy { get; set; }

    /// <summary>Only init containers have one of their own: <c>Always</c> makes a sidecar of them.</summary>
    public string? RestartPolicy { get; set; }

    [JsonIgnore]
    public bool IsSidecar => RestartPolicy == "Always";
    public bool? Stdin { get; set; }
    public bool? StdinOnce { get; set; }
    public bool? Tty { get; set; }
}

internal sealed class Lifecycle
{
    public LifecycleHandler? PostStart { get; set; }
    public LifecycleHandler? PreStop { get; set; }
}

internal sealed class LifecycleHandler
{
    public ExecAction? Exec { get; set; }
    public HttpGetAction? HttpGet { get; set; }
    public SleepAction? Sleep { get; set; }
}

internal sealed class SleepAction
{
    public long Seconds { get; set; }
}

internal sealed class ResourceRequirements
{
    public Dictionary<string, JsonElement>? Limits { get; set; }
    public Dictionary<string, JsonElement>? Requests { get; set; }
}

internal sealed class ContainerPort
{
    public string? Name { get; set; }
    [JsonPropertyName("containerPort")]
    public int Number { get; set; }
}

internal sealed class EnvVar
{
    public string Name { get; set; } = "";
    public string? Value { get; set; }
    public EnvVarSource? ValueFrom { get; set; }
}

internal sealed class EnvVarSource
{
    public FieldRef? FieldRef { get; set; }
    public ResourceFieldRef? ResourceFieldRef { get; set; }
    public KeyRef? ConfigMapKeyRef { get; set; }
    public KeyRef? SecretKeyRef { get; set; }
}

internal sealed class FieldRef
{
    public string FieldPath { get; set; } = "";
}

internal sealed class ResourceFieldRef
{
    public string? ContainerName { get; set; }
    public string Resource { get; set; } = "";
    public JsonElement Divisor { get; set; }
}

internal sealed class KeyRef
{
    public string? Name { get; set; }
    public string Key { get; set; } = "";
    public bool? Optional { get; set; }
}

internal sealed class EnvFromSource
{
    public string? Prefix { get; set; }
    public SourceRef? ConfigMapRef { get; set; }
    public SourceRef? SecretRef { get; set; }
}

internal sealed class SourceRef
{
    public string? Name { get; set; }
    public bool? Optional { get; set; }
}

internal sealed class VolumeMount
{
    public string Name { get; set; } = "";
    public string MountPath { get; set; } = "";
    public bool? ReadOnly { get; set; }
    public string? SubPath { get; set; }
    public string? SubPathExpr { get; set; }
}

internal sealed class Volume
{
    public string Name { get; set; } = "";
    public EmptyDirSource? EmptyDir { get; set; }
    public ItemsSource? ConfigMap { get; set; }
    public ItemsSource? Secret { get; set; }
    public DownwardSource? DownwardAPI { get; set; }
    public ProjectedSource? Projected { get; set; }
    public HostPathSource? HostPath { get; set; }
}

internal sealed class EmptyDirSource
{
    public string? Medium { get; set; }
    public JsonElement SizeLimit { get; set; }
}

internal sealed class HostPathSource
{
    public string Path { get; set; } = "";
    public string? Type { get; set; }
}

internal sealed class ItemsSource
{
    public string? Name { get; set; }
    public string? SecretName { get; set; }
    public bool? Optional { get; set; }
    public List<KeyToPath>? Items { get; set; }
    public int? DefaultMode { get; set; }
}

internal sealed class KeyToPath
{
    public string Key { get; set; } = "";
    public string Path { get; set; } = "";
    public int? Mode { get; set; }
}

internal sealed class DownwardSource
{
    public List<DownwardItem>? Items { get; set; }
    public int? DefaultMode { get; set; }
}

internal sealed class DownwardItem
{
    public string Path { get; set; } = "";
    public FieldRef? FieldRef { get; set; }
    public ResourceFieldRef? ResourceFieldRef { get; set; }
    public int? Mode { get; set; }
}

internal sealed class ProjectedSource
{
    public List<Projection>? Sources { get; set; }
    public int? DefaultMode { get; set; }
}

internal sealed class Projection
{
    public TokenProjection? ServiceAccountToken { get; set; }
    public ItemsSource? ConfigMap { get; set; }
    public ItemsSource? Secret { get; set; }
    public DownwardSource? DownwardAPI { get; set; }
}

internal sealed class TokenProjection
{
    public string? Audience { get; set; }
    public long? ExpirationSeconds { get; set; }
    public string Path { get; set; } = "";
}

internal sealed class Probe
{
    public HttpGetAction? HttpGet { get; set; }
    public TcpSocketAction? TcpSocket { get; set; }
    public ExecAction? Exec { get; set; }
    public GrpcAction? Grpc { get; set; }
    public long? TerminationGracePeriodSeconds { get; set; }
    public int? InitialDelaySeconds { get; set; }
    public int? PeriodSeconds { get; set; }
    public int? TimeoutSeconds { get; set; }
    public int? SuccessThreshold { get; set; }
    public int? FailureThreshold { get; set; }
}

internal sealed class HttpGetAction
{
    public string? Path { get; set; }
    public JsonElement Port { get; set; }
    public string? Host { get; set; }
    public string? Scheme { get; set; }
    public List<HttpHeader>? HttpHeaders { get; set; }
}

internal sealed class HttpHeader
{
    public string Name { get; set; } = "";
    public string? Value { get; set; }
}

internal sealed class TcpSocketAction
{
    public JsonElement Port { get; set; }
    public string? Host { get; set; }
}

internal sealed class GrpcAction
{
    public int Port { get; set; }
    public string? Service { get; set; }
}

internal sealed class ExecAction
{
    public List<string>? Command { get; set; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Pod))]
internal sealed partial class PodJson : JsonSerializerContext;
