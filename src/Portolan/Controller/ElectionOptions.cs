using System.CommandLine;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Leases;

namespace Portolan.Controller;

/// <summary>The options of the leader election, under the names that Kubernetes' own components give them.</summary>
internal sealed class ElectionOptions
{
    private readonly Option<bool> _elect = new("--leader-elect")
    {
        Description = "Decide only while holding a Lease, so that several replicas can run. Off, this must be the only one.",
        DefaultValueFactory = _ => true,
    };

    private readonly Option<Duration> _duration = DurationOption.Create(
        "--leader-elect-lease-duration", "How long the others wait after the leader's last sign of life; whole seconds.", LeaseTiming.Default.Duration);

    private readonly Option<Duration> _deadline = DurationOption.Create(
        "--leader-elect-renew-deadline", "How long the leader acts on its last renewal; shorter than the lease duration.", LeaseTiming.Default.RenewDeadline);

    private readonly Option<Duration> _retry = DurationOption.Create(
        "--leader-elect-retry-period", "Pause between renewals, and between attempts.", LeaseTiming.Default.RetryPeriod);

    private readonly Option<string> _name = new("--leader-elect-resource-name")
    {
        Description = "Name of the Lease.",
        DefaultValueFactory = _ => "portolan-controller",
    };

    private readonly Option<string?> _namespace = new("--leader-elect-resource-namespace") { Description = "Namespace of the Lease; without it, --namespace." };

    private readonly Option<string> _pod = new("--pod-name")
    {
        Description = "This pod's name (METALLB_POD_NAME).",
        DefaultValueFactory = _ => RoleOptions.FromEnvironment("METALLB_POD_NAME", Environment.MachineName),
    };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_elect, _duration, _deadline, _retry, _name, _namespace, _pod])
            command.Add(option);
        command.Validators.Add(result =>
        {
            // Here an option that is not given has no value yet, not even its default; and one that cannot be read has its own error.
            TimeSpan Time(Option<Duration> option, TimeSpan otherwise) =>
                result.GetResult(option) is { Implicit: false, Tokens: [var token] } && DurationOption.TryParse(token.Value, out var given) ? given : otherwise;
            if (result.GetResult(_elect) is { Implicit: false, Tokens: [{ Value: "false" }] })
                return;
            var otherwise = LeaseTiming.Default;
            if (new LeaseTiming(Time(_duration, otherwise.Duration), Time(_deadline, otherwise.RenewDeadline), Time(_retry, otherwise.RetryPeriod)).Problem() is { } problem)
                result.AddError($"--leader-elect: {problem}");
        });
    }

    /// <summary>This pod's name, or the machine's.</summary>
    public string PodName(ParseResult parse) => parse.GetValue(_pod)!;

    /// <summary>The part this replica plays, by these options.</summary>
    public Leadership Leadership(ParseResult parse, RoleHost host, KubeClient client, string ns)
    {
        if (!parse.GetValue(_elect))
            return Controller.Leadership.Alone(host.Time);
        var fence = new WriteFence(host.Time);
        var name = parse.GetValue(_name)!;
        var timing = new LeaseTiming(parse.GetValue(_duration).Time, parse.GetValue(_deadline).Time, parse.GetValue(_retry).Time);
        var elector = new LeaseElector(client, parse.GetValue(_namespace) ?? ns, name, Identity(parse.GetValue(_pod)!), timing, fence, host.Time, host.Logs.CreateLogger("Leases"));
        return Controller.Leadership.By(elector, fence, name, host.Meter);
    }

    // A container that is started again in its pod goes on under the pod's name at once: its former life is over for certain.
    // Outside of pods nothing is so certain.
    private static string Identity(string pod) =>
        $"{pod}_{RoleOptions.FromEnvironment("PORTOLAN_POD_UID", Guid.NewGuid().ToString())}";
}
