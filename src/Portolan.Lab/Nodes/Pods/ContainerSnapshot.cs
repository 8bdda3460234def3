using System.Text.Json.Nodes;

namespace Portolan.Lab.Nodes.Pods;

/// <summary><c>v1 ContainerStateTerminated</c>.</summary>
internal sealed record Termination(int ExitCode, string Reason, string? Message, DateTimeOffset StartedAt, DateTimeOffset FinishedAt, string ContainerId);

/// <summary>What a container's status says; exactly one of waiting, running and terminated.</summary>
internal sealed record ContainerSnapshot(string Name, string Image)
{
    /// <summary>An init container that stays (restartPolicy Always): it has started when its probe said so, and is Ready as others are.</summary>
    public bool IsSidecar { get; init; }

    public string? WaitingReason { get; init; }
    public string? WaitingMessage { get; init; }
    public DateTimeOffset? RunningSince { get; init; }
    public Termination? Terminated { get; init; }
    public Termination? LastTerminated { get; init; }
    public int RestartCount { get; init; }
    public bool Ready { get; init; }
    public bool Started { get; init; }
    public string ContainerId { get; init; } = "";
    public string ImageId { get; init; } = "";

    public ContainerSnapshot Waiting(string reason, string? message = null) => this with
    {
        WaitingReason = reason,
        WaitingMessage = message,
        RunningSince = null,
        LastTerminated = Terminated ?? LastTerminated,
        Terminated = null,
        Ready = false,
        Started = false,
    };

    public ContainerSnapshot Running(DateTimeOffset since, string containerId, string imageId) => this with
    {
        WaitingReason = null,
        WaitingMessage = null,
        RunningSince = since,
        LastTerminated = Terminated ?? LastTerminated,
        Terminated = null,
        ContainerId = containerId,
        ImageId = imageId,
        Ready = false,
        Started = false,
    };

    public ContainerSnapshot Ended(Termination termination) => this with
    {
        WaitingReason = null,
        WaitingMessage = null,
        RunningSince = null,
        LastTerminated = Terminated ?? LastTerminated,
        Terminated = termination,
        Ready = false,
        Started = false,
    };

    /// <summary>Of an init container: whether those after it may begin.</summary>
    public bool IsInitialized => IsSidecar ? Started || LastTerminated is not null : Terminated?.ExitCode == 0;

    public JsonObject ToJson(bool isInit)
    {
        var state = new JsonObject();
        if (RunningSince is { } since)
        {
            state["running"] = new JsonObject { ["startedAt"] = Time(since) };
        }
        else if (Terminated is { } terminated)
        {
            state["terminated"] = ToJson(terminated);
        }
        else
        {
            var waiting = new JsonObject { ["reason"] = WaitingReason };
            if (WaitingMessage is not null)
                waiting["message"] = WaitingMessage;
            state["waiting"] = waiting;
        }
        var json = new JsonObject
        {
            ["name"] = Name,
            ["image"] = Image,
            ["imageID"] = ImageId,
            ["ready"] = isInit && !IsSidecar ? Terminated?.ExitCode == 0 : Ready,
            ["started"] = Started,
            ["restartCount"] = RestartCount,
            ["state"] = state,
            ["lastState"] = LastTerminated is { } last ? new JsonObject { ["terminated"] = ToJson(last) } : new JsonObject(),
        };
        if (ContainerId.Length > 0)
            json["containerID"] = ContainerId;
        return json;
    }

    private static JsonObject ToJson(Termination termination)
    {
        var json = new JsonObject
        {
            ["exitCode"] = termination.ExitCode,
            ["reason"] = termination.Reason,
            ["startedAt"] = Time(termination.StartedAt),
            ["finishedAt"] = Time(termination.FinishedAt),
            ["containerID"] = termination.ContainerId,
        };
        if (termination.Message is not null)
            json["message"] = termination.Message;
        return json;
    }

    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
}
