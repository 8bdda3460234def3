using System.CommandLine;
using System.Net;
using Microsoft.Extensions.Logging;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.ApiServer;

/// <summary><c>portolan-lab apiserver</c>: one process that is the cluster's API server and its store.</summary>
internal static class ApiServerCommand
{
    private const string DefaultBind = "192.168.100.10:6443";
    private const string DefaultServices = "10.233.0.0/18";
    private const string DefaultPorts = "30000-32767";

    public static Command Create()
    {
        var lab = new Option<string?>("--lab") { Description = "Name of the lab whose state to serve." };
        var state = new Option<string?>("--state") { Description = "Directory with pki/ and store.db, instead of a lab's." };
        var bind = new Option<string?>("--bind") { Description = $"Where to listen, or one address of each family with a comma (default {DefaultBind})." };
        var descriptor = new Option<ulong?>("--listen-fd") { Description = "A listening socket inherited from the parent process." };
        var services = new Option<string?>("--service-cidr") { Description = $"Addresses for Services, or one network of each family with a comma, the preferred first (default {DefaultServices})." };
        var ports = new Option<string?>("--nodeport-range") { Description = $"Ports for NodePort Services (default {DefaultPorts})." };
        var toleration = new Option<long>("--default-toleration-seconds") { Description = "How long pods that say nothing stay on a node that is not Ready.", DefaultValueFactory = _ => 300 };
        var defaults = HistoryLimits.Default;
        var events = new Option<int?>("--history-events") { Description = $"How many events watches can resume over at most (default {defaults.Events})." };
        var age = new Option<int?>("--history-minutes") { Description = $"For how long at most (default {defaults.Age.TotalMinutes})." };
        var memory = new Option<int?>("--history-mib") { Description = $"With how much memory for earlier states at most (default {defaults.Bytes >> 20})." };
        var command = new Command("apiserver", "Runs the API server.") { lab, state, bind, descriptor, services, ports, toleration, events, age, memory };
        command.Validators.Add(result =>
        {
            foreach (var limit in (Option<int?>[])[events, age, memory])
                if (result.GetValue(limit) < 1) result.AddError($"{limit.Name} {result.GetValue(limit)}: less than 1");
            if (result.GetValue(lab) is null && result.GetValue(state) is null) result.AddError("either --lab or --state is needed");
            if (EndPoints(result.GetValue(bind)) is not { Length: 1 or 2 }) result.AddError($"--bind {result.GetValue(bind)}: not an address and port, nor two");
            if (Networks(result.GetValue(services)) is not { Length: 1 or 2 } networks) result.AddError($"--service-cidr {result.GetValue(services)}: not a network, nor two");
            else if (networks.DistinctBy(n => n.BaseAddress.AddressFamily).Count() < networks.Length) result.AddError("--service-cidr: two networks are one of each family");
            else if (networks.Any(n => ServiceAddresses.Problem(n) is not null)) result.AddError($"--service-cidr: {networks.Select(ServiceAddresses.Problem).First(p => p is not null)}");
            if (!TryParseRange(result.GetValue(ports) ?? DefaultPorts, out _)) result.AddError($"--nodeport-range {result.GetValue(ports)}: not a range of ports such as 30000-32767");
        });
        command.SetAction((parsed, cancellation) =>
        {
            _ = TryParseRange(parsed.GetValue(ports) ?? DefaultPorts, out var range);
            var (addresses, networks) = (EndPoints(parsed.GetValue(bind))!, Networks(parsed.GetValue(services))!);
            return RunAsync(new()
            {
                StateDirectory = parsed.GetValue(state) ?? new LabLayout(parsed.GetValue(lab)!).StateDirectory,
                Bind = addresses[0],
                SecondBind = addresses.ElementAtOrDefault(1),
                Advertised = addresses[0],
                ListenDescriptor = parsed.GetValue(descriptor),
                ServiceNetwork = networks[0],
                SecondServiceNetwork = networks.Length > 1 ? networks[1] : null,
                FirstNodePort = range.First,
                LastNodePort = range.Last,
                DefaultTolerationSeconds = parsed.GetValue(toleration),
                History = new(
                    parsed.GetValue(age) is { } minutes ? TimeSpan.FromMinutes(minutes) : defaults.Age,
                    parsed.GetValue(events) ?? defaults.Events,
                    parsed.GetValue(memory) is { } mib ? (long)mib << 20 : defaults.Bytes),
            }, cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(ApiServerOptions options, CancellationToken cancellation)
    {
        using var loggers = LoggerFactory.Create(builder => builder
            .AddSimpleConsole(o => (o.SingleLine, o.UseUtcTimestamp, o.TimestampFormat) = (true, true, "yyyy-MM-ddTHH:mm:ss.fffZ "))
            .AddFilter("Microsoft", LogLevel.Warning));
        var logger = loggers.CreateLogger("apiserver");
        await using var host = await ApiServerHost.StartAsync(options, new SchemaCatalogue(), TimeProvider.System, loggers, cancellation);
        logger.LogInformation("serving on {Addresses}", string.Join(", ", host.Addresses));
        await host.RunAsync(cancellation);
        return 0;
    }

    private static IPEndPoint[]? EndPoints(string? text)
    {
        var all = (text ?? DefaultBind).Split(',').Select(t => IPEndPoint.TryParse(t, out var address) ? address : null).ToArray();
        return all.Contains(null) ? null : [.. all.Select(a => a!)];
    }

    private static IPNetwork[]? Networks(string? text)
    {
        var all = (text ?? DefaultServices).Split(',').Select(t => IPNetwork.TryParse(t, out var network) ? network : (IPNetwork?)null).ToArray();
        return all.Contains(null) ? null : [.. all.Select(n => n!.Value)];
    }

    private static bool TryParseRange(string text, out (int First, int Last) range)
    {
        range = default;
        if (text.Split('-') is not [var first, var last] || !int.TryParse(first, out range.First) || !int.TryParse(last, out range.Last)) return false;
        return range is { First: > 0, Last: < 65536 } && range.Last - range.First >= 64;
    }
}
