using System.CommandLine;
using Portolan.Hosting;

namespace Portolan.Commands.Import;

/// <summary><c>portolan import …</c>: other people's configuration as manifests, on standard output; nothing is sent anywhere.</summary>
internal static class ImportCommand
{
    public static Command Create() => new("import", "Turn the configuration of another installer or an older MetalLB into manifests.") { Kubespray(), MetalLb() };

    private static Command Kubespray() => Source(
        "kubespray",
        "Read Kubespray's variables (addons.yml, k8s-cluster.yml; metallb_ip_range and metallb_config alike) and print manifests.",
        "Files with variables, folders of them such as group_vars/k8s_cluster, or - for standard input.",
        (texts, ns) =>
        {
            var notices = new ImportNotices();
            var commentedOut = new Dictionary<string, SourcePlace>(StringComparer.Ordinal);
            var documents = texts.SelectMany(text => ImportInput.Documents(text.Text, text.File, notices, commentedOut)).ToList();
            return KubesprayImport.Convert(documents, ns, notices, name => commentedOut.TryGetValue(name, out var place) ? place : null);
        });

    private static Command MetalLb() => Source(
        "metallb",
        "Read the ConfigMap that configured MetalLB before 0.13 and print manifests.",
        "The ConfigMap, a list with it (kubectl get cm -o yaml), or the configuration itself; - for standard input.",
        (texts, ns) =>
        {
            var notices = new ImportNotices();
            return MetalLbConfigImport.Convert([.. texts.SelectMany(text => ImportInput.Documents(text.Text, text.File, notices))], ns, notices);
        });

    private static Command Source(string name, string description, string about, Func<IReadOnlyList<(string File, string Text)>, string?, ImportResult> convert)
    {
        var files = new Argument<string[]>("FILE") { Description = about, Arity = ArgumentArity.OneOrMore };
        var ns = new Option<string?>("--namespace") { Description = "Namespace of the objects; without it the source's, or metallb-system." };
        var format = new Option<string>("--output", "-o") { Description = "yaml or json. With json, a List; what there is to know about it is a JSON object a line.", DefaultValueFactory = _ => "yaml" };
        format.AcceptOnlyFromAmong("yaml", "json");
        var command = new Command(name, description) { files, ns, format };
        command.SetAction(async (parse, stop) =>
        {
            var (output, error) = (parse.InvocationConfiguration.Output, parse.InvocationConfiguration.Error);
            try
            {
                var texts = await ImportInput.ReadAsync(parse.GetValue(files)!, Console.In, stop);
                return ImportPrinter.Print(convert(texts, parse.GetValue(ns)), parse.GetValue(format) == "json", output, error);
            }
            catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
            {
                await error.WriteLineAsync($"portolan import {name}: {unreadable.Message}");
                return ExitCode.Usage;
            }
        });
        return command;
    }
}
