using System.Net;
using Portolan.Kubernetes.Client;

namespace Portolan.Controller;

/// <summary>Tells failures that pass from answers that stay.</summary>
internal static class ApiFailure
{
    /// <summary>Worth trying again: the server was not reached, was overloaded, or did not answer in time.</summary>
    public static bool IsTransient(Exception failure, CancellationToken stop) => !stop.IsCancellationRequested && failure switch
    {
        KubeApiException api => (int)api.StatusCode >= 500 || api.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.Unauthorized || api.IsConflict,
        HttpRequestException or IOException or OperationCanceledException => true,
        _ => false,
    };
}
