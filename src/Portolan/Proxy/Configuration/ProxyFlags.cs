using System.CommandLine;
using System.CommandLine.Parsing;
using Portolan.Core.Cluster;
using Portolan.Hosting;
using Fields = Portolan.Proxy.Configuration.ConfigurationFields;

namespace Portolan.Proxy.Configuration;

/// <summary>kube-proxy's flags. With <c>--config</c> the file counts, and of the flags only those that kube-proxy then still reads.</summary>
internal sealed class ProxyFlags
{
    private readonly List<(ConfigurationField Field, Option<string[]> Option)> _fields = [];
    private readonly Option<string?> _config = new("--config") { Description = "Path of a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1). Most flags are then not looked at." };
    private readonly Option<string?> _master = RoleOptions.MasterOption();
    private readonly Option<string> _logLevel = RoleOptions.LogLevelOption();
    private readonly Option<string> _programmedSocket = new("--programmed-socket") { Description = "Unix socket by which other processes of the node learn which Services are programmed; empty for none.", DefaultValueFactory = _ => "/run/portolan/proxy.sock", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<bool> _account = new("--account") { Description = "Not kube-proxy's: count packets and bytes of each real server, for portolan get virtual-servers --stats. Every packet of the node costs more." };
    private readonly Option<int> _healthzPort = new("--healthz-port") { Description = "Deprecated: 0 serves no /healthz; otherwise the port for a --healthz-bind-address without one.", DefaultValueFactory = _ => ServedAddress.HealthzPort };
    private readonly Option<int> _metricsPort = new("--metrics-port") { Description = "Deprecated: 0 serves no /metrics; otherwise the port for a --metrics-bind-address without one.", DefaultValueFactory = _ => ServedAddress.MetricsPort };

    // Ours alone: kube-proxy never ends a TCP connection.
    private readonly Option<bool> _conntrackDeleteTcp = new("--conntrack-delete-tcp") { Description = "End TCP connections whose endpoint does not exist any more: the client's next packet is answered with a reset." };

    internal ProxyFlags()
    {
        _programmedSocket.Validators.Add(result =>
        {
            if (result.Tokens is [.., { Value: { Length: > 0 } path }] && !Programmed.SocketFile.IsPossible(path))
                result.AddError($"--programmed-socket: '{path}' must be an absolute path of at most 107 bytes");
        });
        foreach (var field in Fields.All.Where(field => field.Flag is not null))
            _fields.Add((field, OptionOf(field)));
    }

    /// <summary><c>--write-config-to</c>.</summary>
    internal Option<string?> WriteConfigTo { get; } = new("--write-config-to") { Description = "Write the configuration in effect to this file, and exit." };

    /// <summary><c>--cleanup</c>.</summary>
    internal Option<bool> CleanUp { get; } = new("--cleanup") { Description = "Remove every rule of the proxy, none of kube-proxy's, and exit." };

    /// <summary><c>--init-only</c>.</summary>
    internal Option<bool> InitOnly { get; } = new("--init-only") { Description = "Make the settings of the kernel that need full privileges, and exit." };

    internal void AddTo(Command command)
    {
        foreach (var option in (Option[])[_config, WriteConfigTo, CleanUp, InitOnly, _account, _master, _logLevel, _programmedSocket, _healthzPort, _metricsPort, _conntrackDeleteTcp])
            command.Add(option);
        foreach (var (_, option) in _fields)
            command.Add(option);
    }

    /// <summary>What the command line, and the file it names, tell the proxy.</summary>
    internal OptionsReading Read(ParseResult parse)
    {
        var errors = new List<FieldError>();
        var warnings = new List<string>();
        var given = Given(parse);
        var path = parse.GetValue(_config);
        var text = string.IsNullOrEmpty(path) ? null : Text(path, errors);
        var values = text is null ? given : FromFile(text, given, errors, warnings);
        var options = errors.Count == 0 ? new OptionsCheck(values, errors, warnings).Options() with { Master = parse.GetValue(_master), Account = parse.GetValue(_account), ProgrammedSocket = parse.GetResult(_programmedSocket) is OptionResult { Implicit: false, Tokens.Count: 0 } ? "" : parse.GetValue(_programmedSocket) ?? "", EndsTcpFlows = parse.GetValue(_conntrackDeleteTcp) } : null;
        return new OptionsReading(errors.Count == 0 ? options : null, errors, warnings) { File = text is null ? null : (path!, text) };
    }

    /// <summary>The least severe messages to write: <c>--log-level</c>, or what <c>--v</c> means by our levels.</summary>
    internal Microsoft.Extensions.Logging.LogLevel LogLevel(ParseResult parse, int verbosity)
    {
        var level = LogVerbosity.Parse(parse.GetValue(_logLevel)!);
        return parse.GetResult(_logLevel) is OptionResult { Implicit: false } || verbosity < 4 ? level : verbosity < 6 ? Microsoft.Extensions.Logging.LogLevel.Debug : Microsoft.Extensions.Logging.LogLevel.Trace;
    }

    private static string? Text(string path, List<FieldError> errors)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add(new FieldError("--config", "", e.Message));
            return null;
        }
    }

    private ConfigurationValues FromFile(string text, ConfigurationValues given, List<FieldError> errors, List<string> warnings)
    {
        var values = new ConfigurationReader(errors, warnings).Read(text);
        var ignored = new List<string>();
        foreach (var (field, _) in _fields.Where(flag => given.Has(flag.Field)))
        {
            // kube-proxy takes the node's name and what concerns its log from the command line first, and nothing else.
            if (field == Fields.HostnameOverride || field.Path.StartsWith("logging.", StringComparison.Ordinal))
                values.SetFrom(given, field);
            else
                ignored.Add(field.Flag!);
        }

        if (ignored.Count > 0)
            warnings.Add("not looked at, because --config is given: " + string.Join(", ", ignored));
        return values;
    }

    private ConfigurationValues Given(ParseResult parse)
    {
        var values = new ConfigurationValues();
        foreach (var (field, option) in _fields)
        {
            if (parse.GetResult(option) is not OptionResult { Implicit: false } result)
                continue;
            if (field.Parse(Text(field, result), out var value) is null)
                values.Set(field, value);
        }

        if (parse.GetResult(_config) is not null)
            return values;
        if (!values.Has(Fields.Mode))
            values.Set(Fields.Mode, "nftables");
        if (values.Get(Fields.Mode) is "nftables")
        {
            foreach (var (of, instead) in Fields.InNftablesMode)
                values.Move(of, instead);
        }

        Serve(values, Fields.HealthzBindAddress, parse.GetValue(_healthzPort));
        Serve(values, Fields.MetricsBindAddress, parse.GetValue(_metricsPort));
        return values;
    }

    // Behind a flag nothing at all means nowhere; in a file it means the default.
    private static void Serve(ConfigurationValues values, ConfigurationField<string> field, int deprecatedPort)
    {
        var text = values.Get(field);
        if (deprecatedPort == 0 || (text.Length == 0 && values.Has(field)))
            values.Set(field, "0.0.0.0:0");
        else if (deprecatedPort is > 0 and <= ushort.MaxValue && text.Length > 0 && ServedAddress.TryParse(text, (ushort)deprecatedPort, out var address) && address is not null)
            values.Set(field, address.ToString());
    }

    private static Option<string[]> OptionOf(ConfigurationField field)
    {
        var option = new Option<string[]>(field.Flag!)
        {
            Description = field.Unused is { } why ? $"Accepted for kube-proxy's manifests, and without effect: {why}." : field.Means,
            HelpName = field.ValueName,
            Arity = ArgumentArity.ZeroOrMore, // "--metrics-bind-address=" has no argument to this parser, and a meaning to kube-proxy
            Hidden = field.Unused is not null,
        };
        if (field == Fields.Verbosity)
            option.Aliases.Add("-v");
        option.Validators.Add(result =>
        {
            if (field.Parse(Text(field, result), out _) is { } problem)
                result.AddError($"{field.Flag}: {problem}");
        });
        return option;
    }

    private static string Text(ConfigurationField field, OptionResult result) =>
        field.Accumulates ? string.Join(',', result.Tokens.Select(token => token.Value)) : result.Tokens is [.., var last] ? last.Value : "";
}

/// <summary>What came of reading the options.</summary>
/// <param name="Options">The options, or null where there are errors.</param>
/// <param name="Errors">What is wrong, each with the field's path.</param>
/// <param name="Warnings">What the log should say.</param>
internal sealed record OptionsReading(ProxyOptions? Options, IReadOnlyList<FieldError> Errors, IReadOnlyList<string> Warnings)
{
    /// <summary>The configuration file and what was read from it, or null.</summary>
    internal (string Path, string Text)? File { get; init; }
}
