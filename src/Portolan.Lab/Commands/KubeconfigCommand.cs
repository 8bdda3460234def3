using System.CommandLine;

using Portolan.Lab.Supervision;

namespace Portolan.Lab.Commands;

internal static class KubeconfigCommand
{
    public static Command Create()
    {
        var name = LabOptions.Name();
        var print = new Option<bool>("--print") { Description = "Print the file's content instead of its path." };
        var command = new Command("kubeconfig", "Print the path of the lab's kubeconfig: export KUBECONFIG=$(portolan lab kubeconfig)") { name, print };
        command.SetAction(parsed =>
        {
            var layout = new LabLayout(parsed.GetValue(name)!);
            var path = layout.Kubeconfig("admin");
            if (!File.Exists(path))
                throw new LabException($"there is no lab '{layout.Name}': portolan lab up makes one");
            if (parsed.GetValue(print))
                Console.Write(File.ReadAllText(path));
            else
                Console.WriteLine(path);
            return CommandLine.Done;
        });
        return command;
    }
}
