using System.CommandLine;
using Microsoft.Extensions.Logging;

namespace Portolan.Hosting;

/// <summary>A flag of MetalLB's that there is nothing to do for here: manifests that carry it work, and the log says once that it is not acted on.</summary>
internal sealed class UnusedOption(string name, string why)
{
    private readonly Option<string?> _option = new(name)
    {
        Description = $"Accepted for MetalLB's manifests, and without effect: {why}.",
        Arity = ArgumentArity.ZeroOrOne,
        Hidden = true,
    };

    public void AddTo(Command command) => command.Add(_option);

    public void Tell(ParseResult parse, ILogger log)
    {
        if (parse.GetResult(_option) is not null)
            log.LogInformation("{Flag} has no effect: {Why}", name, why);
    }
}
