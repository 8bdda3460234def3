using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Admission.PodSecurity;

/// <summary>How much a namespace's pods may ask for (Pod Security Standards); each level forbids what the one before does, and more.</summary>
internal enum PodSecurityLevel
{
    Privileged,
    Baseline,
    Restricted,
}

/// <summary>The Pod Security Standards as of Kubernetes 1.33: what a pod asks for that a level forbids, in a real server's words.</summary>
internal static class PodSecurityStandard
{
    private static readonly string[] DefaultCapabilities =
        ["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"];

    private static readonly string[] SafeSysctls =
    [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_rmem", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem",
    ];

    private static readonly string[] SafeSelinuxTypes = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
    private static readonly string[] SafeVolumes = ["name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];

    /// <summary>Nothing when the pod may be. Rules for Windows are not among them.</summary>
    public static List<string> Violations(JsonObject? spec, PodSecurityLevel level)
    {
        var found = new List<string>();
        if (level == PodSecurityLevel.Privileged) return found;
        Baseline(spec, found);
        if (level == PodSecurityLevel.Restricted) Restricted(spec, found);
        return found;
    }

    private static void Baseline(JsonObject? spec, List<string> found)
    {
        var pod = spec.Obj("securityContext");
        var shared = ((string[])["hostNetwork", "hostPID", "hostIPC"]).Where(f => spec.Flag(f) == true).Select(f => $"{f}=true").ToList();
        if (shared.Count > 0) found.Add($"host namespaces ({string.Join(", ", shared)})");
        Tell(found, "privileged", "must not set securityContext.privileged=true", spec, c => c.Flag("privileged") == true);
        Tell(found, "allowed procMount types", "must not set securityContext.procMount to anything but \"Default\"", spec, c => c.Str("procMount") is not ("" or "Default"));
        var added = Contexts(spec).SelectMany(c => c.Context.Obj("capabilities").Strings("add", "").Select(a => a.Item)).Where(a => !DefaultCapabilities.Contains(a)).Distinct().Order().ToList();
        if (added.Count > 0)
            Tell(found, "non-default capabilities", $"must not include {Quoted(added)} in securityContext.capabilities.add", spec, c => c.Obj("capabilities").Strings("add", "").Any(a => added.Contains(a.Item)));
        var paths = spec.Items("volumes", "").Where(v => v.Item["hostPath"] is not null).Select(v => v.Item.Str("name")).ToList();
        if (paths.Count > 0) found.Add($"hostPath volumes ({Subject("volume", paths)})");
        foreach (var (container, name) in Containers(spec))
        {
            var ports = container.Items("ports", "").Select(p => p.Item.Int("hostPort") ?? 0).Where(p => p > 0).ToList();
            if (ports.Count > 0) found.Add($"hostPort (container \"{name}\" uses hostPort{(ports.Count > 1 ? "s" : "")} {string.Join(", ", ports)})");
        }

        var sysctls = pod.Items("sysctls", "").Select(s => s.Item.Str("name")).Where(s => !SafeSysctls.Contains(s)).ToList();
        if (sysctls.Count > 0) found.Add($"forbidden sysctls ({string.Join(", ", sysctls)})");
        if (AllContexts(spec).Any(c => c.Obj("seccompProfile").Str("type") == "Unconfined")) found.Add("seccompProfile (pod or containers must not set securityContext.seccompProfile.type to \"Unconfined\")");
        if (AllContexts(spec).Any(c => c.Obj("appArmorProfile").Str("type") == "Unconfined")) found.Add("forbidden AppArmor profile (pod or containers must not set AppArmor profile type to \"Unconfined\")");
        if (AllContexts(spec).Any(c => c.Obj("seLinuxOptions") is { } options && (!SafeSelinuxTypes.Contains(options.Str("type")) || options.Str("user").Length > 0 || options.Str("role").Length > 0)))
            found.Add("seLinuxOptions (pod or containers set forbidden securityContext.seLinuxOptions)");
    }

    private static void Restricted(JsonObject? spec, List<string> found)
    {
        var pod = spec.Obj("securityContext");
        foreach (var (volume, _) in spec.Items("volumes", ""))
            if (volume.FirstOrDefault(p => p.Value is not null && !SafeVolumes.Contains(p.Key)).Key is { } type)
                found.Add($"restricted volume types (volume \"{volume.Str("name")}\" uses restricted volume type \"{type}\")");
        Tell(found, "allowPrivilegeEscalation != false", "must set securityContext.allowPrivilegeEscalation=false", spec, c => c.Flag("allowPrivilegeEscalation") != false);
        Tell(found, "unrestricted capabilities", "must set securityContext.capabilities.drop=[\"ALL\"]", spec, c => !c.Obj("capabilities").Strings("drop", "").Any(d => d.Item == "ALL"));
        Tell(found, "unrestricted capabilities", "must not include anything but \"NET_BIND_SERVICE\" in securityContext.capabilities.add", spec,
            c => c.Obj("capabilities").Strings("add", "").Any(a => a.Item != "NET_BIND_SERVICE"));
        Tell(found, "runAsNonRoot != true", "must set securityContext.runAsNonRoot=true", spec, c => (c.Flag("runAsNonRoot") ?? pod.Flag("runAsNonRoot")) != true, "pod or ");
        if (pod.Int("runAsUser") == 0) found.Add("runAsUser=0 (pod must not set runAsUser=0)");
        Tell(found, "runAsUser=0", "must not set runAsUser=0", spec, c => c.Int("runAsUser") == 0);
        Tell(found, "seccompProfile", "must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"", spec,
            c => (c.Obj("seccompProfile") ?? pod.Obj("seccompProfile")).Str("type") is not ("RuntimeDefault" or "Localhost"), "pod or ");
    }

    private static void Tell(List<string> found, string rule, string remedy, JsonObject? spec, Func<JsonObject?, bool> breaks, string before = "")
    {
        var names = Contexts(spec).Where(c => breaks(c.Context)).Select(c => c.Name).ToList();
        if (names.Count > 0) found.Add($"{rule} ({before}{Subject("container", names)} {remedy})");
    }

    private static string Subject(string kind, List<string> names) => $"{kind}{(names.Count > 1 ? "s" : "")} {Quoted(names)}";

    private static string Quoted(List<string> names) => string.Join(", ", names.Select(n => $"\"{n}\""));

    private static IEnumerable<(JsonObject Container, string Name)> Containers(JsonObject? spec)
    {
        foreach (var list in (string[])["initContainers", "containers", "ephemeralContainers"])
            foreach (var (container, _) in spec.Items(list, ""))
                yield return (container, container.Str("name"));
    }

    private static IEnumerable<(JsonObject? Context, string Name)> Contexts(JsonObject? spec) => Containers(spec).Select(c => (c.Container.Obj("securityContext"), c.Name));

    private static IEnumerable<JsonObject?> AllContexts(JsonObject? spec) => Contexts(spec).Select(c => c.Context).Prepend(spec.Obj("securityContext"));
}
