using Portolan.Fuzz;

// fuzz.sh TARGET [INPUTS] [--seconds N] [--seed N]; "serve" is the server process that it starts for itself.
if (args is ["serve"]) return await FuzzServer.RunAsync();
if (args.Length == 0 || !Targets.Names.Contains(args[0]))
{
    Console.Error.WriteLine($"usage: fuzz.sh TARGET [INPUTS] [--seconds N] [--seed N]\ntargets: {string.Join(' ', Targets.Names)}");
    return 2;
}

long inputs = 200_000, seconds = 300, seed = Random.Shared.NextInt64();
for (var i = 1; i < args.Length; i++)
{
    var option = args[i];
    var text = option.StartsWith("--", StringComparison.Ordinal) ? i + 1 < args.Length ? args[++i] : "" : option;
    if (!long.TryParse(text, out var value) || value < 0)
    {
        Console.Error.WriteLine($"{option}: a number is wanted, not \"{text}\"");
        return 2;
    }

    if (option == "--seconds") seconds = value;
    else if (option == "--seed") seed = value;
    else inputs = value;
}

var outcome = await FuzzRun.RunAsync(args[0], Corpus.Directory(args[0]), inputs, TimeSpan.FromSeconds(seconds), seed, Console.Out);
Console.WriteLine(outcome);
return outcome.Failures.Count == 0 ? 0 : 1;
