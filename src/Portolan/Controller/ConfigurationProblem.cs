using Portolan.Core.Cluster;
using Portolan.Core.Configuration;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller;

/// <summary>One thing that is wrong with one configuration object.</summary>
/// <param name="Object">The object, for the event.</param>
/// <param name="Error">The field and the rule.</param>
/// <param name="Standing">Which version of the object is used nevertheless.</param>
internal sealed record ConfigurationProblem(InvolvedObject Object, FieldError Error, Standing Standing)
{
    /// <summary>An earlier version of the object is used instead.</summary>
    public bool PreviousInForce => Standing is Standing.PreviousInForce;

    /// <summary>The error, and what is done about it.</summary>
    public string Message => Error + Standing switch
    {
        Standing.PreviousInForce => "; the previous version stays in force",
        Standing.NotInForce => "; the object is not in force",
        _ => "",
    };

    public override string ToString() => $"{Object.Kind} {Object.Name}: {Error}";
}

/// <summary>What an event is about.</summary>
internal sealed record InvolvedObject(string ApiVersion, string Kind, string Namespace, string Name, string Uid)
{
    public static InvolvedObject Of<T>(ResourceType<T> type, T found)
        where T : class, IKubeObject => new(type.ApiVersion, type.Kind, found.Metadata.Namespace ?? "", found.Metadata.Name ?? "", found.Metadata.Uid ?? "");

    public static InvolvedObject Of(ServiceFacts service) => new(Kinds.Services.ApiVersion, Kinds.Services.Kind, service.Key.Namespace, service.Key.Name, service.Uid);
}
