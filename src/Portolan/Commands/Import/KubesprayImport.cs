using System.Text.Json.Nodes;
using Portolan.Commands.Install;

namespace Portolan.Commands.Import;

/// <summary>
/// Kubespray's variables for MetalLB as objects of metallb.io: those of 2.14 to 2.21 (<c>metallb_ip_range</c>), those since 2.22 (<c>metallb_config</c>), both at
/// once, and what its templates rendered or people wrote in their place.
/// </summary>
internal static class KubesprayImport
{
    private static readonly string[] OldForm =
    [
        "metallb_ip_range", "metallb_protocol", "metallb_pool_name", "metallb_auto_assign", "matallb_auto_assign", "metallb_avoid_buggy_ips",
        "metallb_additional_address_pools", "metallb_peers",
    ];

    private static readonly string[] OldScheduling =
        ["metallb_speaker_nodeselector", "metallb_controller_nodeselector", "metallb_speaker_tolerations", "metallb_controller_tolerations"];

    private static readonly string[] Others =
    [
        "metallb_enabled", "metallb_speaker_enabled", "metallb_config", "metallb_namespace", "metallb_loadbalancer_class", "metallb_port", "metallb_memberlist_port",
        "metallb_limits_cpu", "metallb_limits_mem", "metallb_log_level", "metallb_version", "metallb_image_tag", "metallb_speaker_image_repo",
        "metallb_controller_image_repo", "metallb_speaker_image_tag", "metallb_controller_image_tag",
    ];

    /// <summary>Converts the documents of all files given.</summary>
    /// <param name="documents">Variables, or rendered manifests.</param>
    /// <param name="ns">The namespace of the objects; null: metallb_namespace, or metallb-system.</param>
    /// <param name="notices">Where to report; may hold what reading the files gave.</param>
    /// <param name="isCommentedOut">Where a variable stands commented out, or null.</param>
    public static ImportResult Convert(IReadOnlyList<SourceNode> documents, string? ns, ImportNotices notices, Func<string, SourcePlace?> isCommentedOut)
    {
        var manifests = documents.OfType<SourceMap>().Where(RenderedManifest.IsManifest).ToList();
        var variables = new KubesprayVariables(documents.OfType<SourceMap>().Except(manifests), notices);
        foreach (var other in documents.Where(document => document is not SourceMap))
            notices.Warn(other.Place, "", "is no list of variables; left out");

        ns ??= variables.Text("metallb_namespace") ?? Manifests.DefaultNamespace;
        var objects = new ImportedObjects(ns, notices);
        var values = new JsonObject();
        var hasVariables = variables.Entries.Any(entry => entry.Name.StartsWith("metallb_", StringComparison.Ordinal) || entry.Name == "matallb_auto_assign");
        if (hasVariables)
        {
            values = KubespraySettings.HelmValues(variables, notices);
            Variables(variables, objects, notices, isCommentedOut);
        }

        foreach (var manifest in manifests)
            RenderedManifest.Convert(manifest, objects, variables.Values, notices);
        if (!hasVariables && manifests.Count == 0)
            notices.Error(documents.Count > 0 ? documents[0].Place with { Line = 0 } : new SourcePlace("-", 0), "", "has no variable of MetalLB (metallb_…)");

        objects.Judge();
        if (objects.Any)
        {
            // The one that the installer makes: applied again it changes nothing.
            foreach (var item in Manifests.System(ns, Manifests.DefaultImage).Where(item => (string?)item["kind"] == "Namespace"))
                objects.Add(item);
        }

        KubesprayPreflight.Check(variables, objects, notices);
        return new ImportResult(objects.InOrder(), values, notices.All);
    }

    private static void Variables(KubesprayVariables variables, ImportedObjects objects, ImportNotices notices, Func<string, SourcePlace?> isCommentedOut)
    {
        Unknown(variables, notices);
        if (variables.Find("metallb_enabled") is { } enabled)
        {
            if (variables.Boolean("metallb_enabled") is false)
                notices.Warn(enabled.Place, "metallb_enabled", "is false: Kubespray would install nothing; the objects are written all the same");
        }
        else
        {
            notices.Warn(variables.File, "metallb_enabled", "is not set, and false by default: Kubespray would install nothing; the objects are written all the same");
        }

        var ranges = new PoolRanges(variables.Values, notices);
        if (variables.Find("metallb_config") is { } config && variables.Values.Map(config.Value, "metallb_config") is { } map)
        {
            var hasNew = map["address_pools"] is not null || map["layer2"] is not null || map["layer3"] is not null;
            foreach (var leftover in OldForm.Concat(OldScheduling).Select(variables.Find).OfType<SourceEntry>())
                if (hasNew || OldScheduling.Contains(leftover.Name))
                    notices.Warn(leftover.Place, leftover.Name, $"is not read beside metallb_config (Kubespray 2.22 and later); left out{Instead(leftover.Name)}");
            if (hasNew)
            {
                new KubesprayNewForm(variables, objects, ranges, notices).Convert(map);
                return;
            }

            if (variables.Find("metallb_ip_range") is null)
            {
                notices.Error(config.Place, "metallb_config", "has neither address_pools nor layer2 nor layer3: there is nothing to convert");
                return;
            }

            notices.Warn(config.Place, "metallb_config", "has no address_pools, so Kubespray 2.22 and later would make no pool; the pools are taken from metallb_ip_range");
        }

        new KubesprayOldForm(variables, objects, ranges, notices, isCommentedOut).Convert();
    }

    private static string Instead(string name) => name switch
    {
        "metallb_ip_range" or "metallb_additional_address_pools" or "metallb_pool_name" => "; use metallb_config.address_pools",
        "metallb_protocol" => "; pools in metallb_config.layer2 are announced on layer 2, those of a peer in metallb_config.layer3 by BGP",
        "metallb_peers" => "; use metallb_config.layer3.metallb_peers",
        "metallb_auto_assign" or "matallb_auto_assign" => "; use auto_assign of the pool",
        "metallb_avoid_buggy_ips" => "; use avoid_buggy_ips of the pool",
        "metallb_speaker_nodeselector" => "; use metallb_config.speaker.nodeselector",
        "metallb_controller_nodeselector" => "; use metallb_config.controller.nodeselector",
        "metallb_speaker_tolerations" => "; use metallb_config.speaker.tolerations",
        _ => "; use metallb_config.controller.tolerations",
    };

    private static void Unknown(KubesprayVariables variables, ImportNotices notices)
    {
        string[] known = [.. OldForm, .. OldScheduling, .. Others];
        foreach (var entry in variables.Entries)
            if (entry.Name.StartsWith("metal", StringComparison.OrdinalIgnoreCase) || entry.Name.StartsWith("matal", StringComparison.OrdinalIgnoreCase))
                if (!known.Contains(entry.Name))
                    notices.Warn(entry.Place, entry.Name, $"is no variable that Kubespray reads; left out{Spelling.Hint(entry.Name, known)}");
    }
}
