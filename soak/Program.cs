using Portolan.Soak.ApiKills;
using Portolan.Soak.Bgp;
using Portolan.Soak.ControllerKills;
using Portolan.Soak.LabCycles;
using Portolan.Soak.Layer2;
using Portolan.Soak.ProxyKills;
using Portolan.Soak.ProxyRolling;

// Each trial prints what it measured and what went wrong, and gives 0 when nothing did.
var trials = new Dictionary<string, (string What, int Count, Func<int, Task<int>> RunAsync)>(StringComparer.Ordinal)
{
    ["api-kills"] = ("kill the API server without warning under writes and watches", 100, ApiKillsTrial.RunAsync),
    ["bfd-saturation"] = ("leave the machine nothing: is a BFD session lost with a peer that lives? COUNT minutes", 10, BfdSaturationTrial.RunAsync),
    ["bgp-gaps"] = ("kill one of three nodes that the router has routes from: how long do new connections fail?", 30, BgpGapsTrial.RunAsync),
    ["controller-kills"] = ("kill the controller without warning while Services and pools change", 200, ControllerKillsTrial.RunAsync),
    ["lab-cycles"] = ("make a lab, kill something of it, take it away: is the machine as it was?", 100, LabCyclesTrial.RunAsync),
    ["layer2-drains"] = ("drain the node that has an address, and let it come back, under load: nothing fails", 50, DrainsTrial.RunAsync),
    ["layer2-gaps"] = ("kill the holder of an address, and cut its cable: how long is it away?", 50, new GapsTrial("default", 0.30, 0.40).RunAsync),
    ["layer2-gaps-fast"] = ("the same with the fast profile", 50, new GapsTrial("fast", 0.17, 0.25).RunAsync),
    ["layer2-saturation"] = ("leave the machine nothing: does a speaker take over from another that lives? COUNT minutes", 60, SaturationTrial.RunAsync),
    ["proxy-kills"] = ("end a node's proxy in every way under load, while endpoints change", 60, ProxyKillsTrial.RunAsync),
    ["proxy-rolling"] = ("replace all endpoints of a Service one by one under load", 10, ProxyRollingTrial.RunAsync),
};

if (args is [Burners.Word, var kind])
    return Burners.Burn(kind);
if (args is [Witness.Word])
    return Witness.Watch();

if (args is not [var name, ..] || !trials.TryGetValue(name, out var trial) || args.Length > 2 || (args is [_, var text] && !(int.TryParse(text, out var given) && given > 0)))
{
    Console.Error.WriteLine("usage: ./soak.sh NAME [COUNT]");
    foreach (var (known, (what, often, _)) in trials) Console.Error.WriteLine($"  {known,-18} {what} ({often} unless told otherwise)");
    return 2;
}

return await trial.RunAsync(args is [_, var count] ? int.Parse(count, System.Globalization.CultureInfo.InvariantCulture) : trial.Count);
