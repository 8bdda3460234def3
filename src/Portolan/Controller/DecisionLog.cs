using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Hosting;

namespace Portolan.Controller;

/// <summary>
/// Decisions in the log, under the <c>event</c>, <c>op</c>, <c>reason</c>, <c>ip</c> and <c>error</c> that MetalLB's controller uses: whoever
/// searches its logs by them finds the same here.
/// </summary>
internal static class DecisionLog
{
    public static void Write(ILogger log, Decision decision)
    {
        if (decision.Outcome is Outcome.Released)
            log.Line(LogLevel.Information, "address taken back", ("event", "clearAssignment"), ("reason", decision.Reason), ("service", decision.Service));
        foreach (var told in decision.Events)
            Write(log, decision, told);
        if (decision.Events.Count == 0 && decision.Outcome is not Outcome.Released)
            log.Line(LogLevel.Debug, "service converged, no change", ("event", "noChange"), ("reason", decision.Reason), ("service", decision.Service));
    }

    private static void Write(ILogger log, Decision decision, ServiceEvent told)
    {
        var service = ("service", (object?)decision.Service);
        switch (told.Reason)
        {
            case "IPAllocated":
                log.Line(LogLevel.Information, "IP address assigned by controller", ("event", "ipAllocated"), ("ip", decision.Addresses), ("pool", decision.Pool), ("reason", decision.Reason), service);
                break;
            case "ClearAssignment":
                log.Line(LogLevel.Information, told.Message, ("event", "clearAssignment"), ("error", told.Message), service);
                break;
            case "AdditionalAssignFailed":
                log.Line(LogLevel.Information, told.Message, ("event", "tryAssignAdditionalIP"), service);
                break;
            case "AllocationFailed":
                log.Line(LogLevel.Error, told.Message, ("op", "allocateIPs"), ("error", decision.Reason), service);
                break;
            case "LoadBalancerFailed":
                log.Line(LogLevel.Error, told.Message, ("event", "loadbalancerIP"), ("error", told.Message), service);
                break;
            case "deprecatedAnnotation":
                log.Line(LogLevel.Warning, told.Message, ("event", "deprecatedAnnotation"), service);
                break;
            default:
                log.Line(told.IsWarning ? LogLevel.Error : LogLevel.Information, told.Message, ("event", "clearAssignment"), ("reason", told.Reason), service);
                break;
        }
    }
}
