using System.Text.RegularExpressions;

namespace Portolan.EndToEnd.Tests.Conformance;

/// <summary>What a cell of the table says, and why the client is not as expected, or null.</summary>
internal sealed record Trial(string Verb, string Cell, string? Failure);

/// <summary>One kubectl tries every verb in a namespace of its own.</summary>
internal sealed class KubectlTrial(Lab lab, ClientUnderTest client)
{
    public async Task<IReadOnlyList<Trial>> RunAsync()
    {
        var ns = $"kubectl-{client.Version.Replace('.', '-')}";
        var cache = Directory.CreateTempSubdirectory("portolan-kubectl-").FullName;
        var environment = new Dictionary<string, string>(lab.Variables) { ["NS"] = ns, ["K"] = $"{client.Path} --cache-dir {cache} -n {ns}" };
        try
        {
            (await Shell.RunAsync($"{client.Path} --cache-dir {cache} create ns {ns}", environment)).Succeeds();
            (await Shell.RunAsync(ConformanceScript.Tools + "until_it k get sa default", environment)).Succeeds();
            // Two threads of work: one mostly computes, one mostly waits.
            var trials = await Task.WhenAll(TryAsync(ObjectVerbs.All, environment), TryAsync(PodVerbs.All, environment));
            return [.. trials.SelectMany(t => t)];
        }
        finally
        {
            await Shell.RunAsync($"{client.Path} delete ns {ns} {ns}-other --wait=false", environment);
            Directory.Delete(cache, recursive: true);
        }
    }

    private async Task<List<Trial>> TryAsync(Verb[] verbs, Dictionary<string, string> environment)
    {
        var trials = new List<Trial>();
        foreach (var verb in verbs)
        {
            var older = client.Minor < verb.Since;
            var outcome = await Shell.RunAsync(ConformanceScript.Tools + verb.Script, environment, 150);
            var expected = older ? verb.OlderPrints : verb.Prints;
            var isSo = outcome.ExitCode == 0 != older && Regex.IsMatch(outcome.All.Trim(), expected);
            trials.Add(new(verb.Name, older ? verb.OlderNote : verb.NotOffered ?? ConformanceTable.Works,
                isSo ? null : $"kubectl {client.Version}, {verb.Name}: ended with {outcome.ExitCode}\n{outcome.All.Trim()}\nwhere expected: {expected}"));
        }

        return trials;
    }
}
