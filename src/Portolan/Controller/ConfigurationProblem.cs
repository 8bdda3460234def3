using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller;

/// <summary>One thing that is wrong with one configuration object.</summary>
/// <param name="Object">The object, for the event.</param>
/// <param name="Error">The field and the rule.</param>
/// <param name="PreviousInForce">An earlier version of the object is used instead.</param>
internal sealed record ConfigurationProblem(InvolvedObject Object, FieldError Error, bool PreviousInForce)
{
    public static ConfigurationProblem Of<T>(ResourceType<T> type, T found, FieldError error, bool previousInForce)
        where T : class, IKubeObject => new(InvolvedObject.Of(type, found), error, previousInForce);

    public override string ToString() => $"{Object.Kind} {Object.Name}: {Error}";
}

/// <summary>What an event is about.</summary>
internal sealed record InvolvedObject(string ApiVersion, string Kind, string Namespace, string Name, string Uid)
{
    public static InvolvedObject Of<T>(ResourceType<T> type, T found)
        where T : class, IKubeObject => new(type.ApiVersion, type.Kind, found.Metadata.Namespace ?? "", found.Metadata.Name ?? "", found.Metadata.Uid ?? "");
}
