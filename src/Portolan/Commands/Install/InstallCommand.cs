using System.CommandLine;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Proxy;

namespace Portolan.Commands.Install;

/// <summary><c>portolan install</c>: puts controller and speaker, and on request the proxy, into a cluster.</summary>
internal static class InstallCommand
{
    public static Command Create()
    {
        var ns = new Option<string>("--namespace") { Description = "Namespace of controller, speaker and their configuration.", DefaultValueFactory = _ => Manifests.DefaultNamespace };
        var pool = new Option<string[]>("--pool") { Description = "Addresses to give out: a CIDR block or START-END. May be repeated.", HelpName = "RANGE", AllowMultipleArgumentsPerToken = true };
        var protocol = new Option<string>("--protocol") { Description = "How the addresses of --pool are announced: layer2 or bgp.", DefaultValueFactory = _ => "layer2" };
        var withProxy = new Option<bool>("--with-proxy") { Description = "Also install the service proxy, for clusters that run no kube-proxy." };
        var onlyProxy = new Option<bool>("--only-proxy") { Description = "Install the service proxy and nothing else." };
        var replaceKubeProxy = new Option<bool>("--replace-kube-proxy") { Description = "With the proxy: take a kube-proxy that runs off the nodes first. --restore-kube-proxy undoes it." };
        var restoreKubeProxy = new Option<bool>("--restore-kube-proxy") { Description = "Remove the service proxy, put the kube-proxy back that was replaced, and install nothing." };
        var master = new Option<string?>("--master") { Description = "The API server's own URL, for the proxy; without it, the one of the kubeconfig." };
        var proxyArguments = new Option<string[]>("--proxy-arg") { Description = "A flag for the service proxy: --proxy-arg=--nodeport-addresses=all. May be repeated.", HelpName = "FLAG" };
        var image = new Option<string>("--image") { Description = "Container image to run.", DefaultValueFactory = _ => Manifests.DefaultImage };
        var replicas = new Option<int?>("--controller-replicas") { Description = "Controllers to run: one decides, the others stand by. Without it, as the manifest has it." };
        var loadBalancerClass = new Option<string?>("--lb-class") { Description = "Serve Services with exactly this loadBalancerClass; without it, those that have none." };
        var print = new Option<bool>("--print") { Description = "Print the manifests as YAML and change nothing." };
        var noWait = new Option<bool>("--no-wait") { Description = "Do not wait until everything runs." };
        var timeout = new Option<int>("--timeout") { Description = "How long to wait, in seconds.", DefaultValueFactory = _ => 180 };
        var kubeconfig = RoleOptions.KubeconfigOption();

        protocol.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is var word and not ("layer2" or "bgp"))
                result.AddError($"--protocol {word}: must be layer2 or bgp");
        });
        pool.Validators.Add(result =>
        {
            foreach (var error in InstallPool.Errors(result.GetValueOrDefault<string[]>() ?? []))
                result.AddError(error);
        });
        proxyArguments.Validators.Add(result =>
        {
            foreach (var error in ProxyCommand.Create().Parse(result.GetValueOrDefault<string[]>() ?? []).Errors)
                result.AddError($"--proxy-arg: {error.Message}");
        });
        replicas.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() < 1)
                result.AddError("--controller-replicas: must be at least 1");
        });
        timeout.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
                result.AddError("--timeout: must be at least 1 second");
        });

        var command = new Command("install", "Install controller and speaker into a cluster, from the manifests inside this binary.")
        {
            ns, pool, protocol, withProxy, onlyProxy, replaceKubeProxy, restoreKubeProxy, master, proxyArguments, image, replicas, loadBalancerClass, print, noWait, timeout, kubeconfig,
        };
        var peers = new InstallPeerOptions();
        peers.AddTo(command, protocol);
        command.Validators.Add(result =>
        {
            if (result.GetValue(replaceKubeProxy) && !result.GetValue(withProxy) && !result.GetValue(onlyProxy))
                result.AddError("--replace-kube-proxy needs a proxy in its place: add --with-proxy or --only-proxy");
            if (result.GetValue(restoreKubeProxy) && (result.GetValue(withProxy) || result.GetValue(onlyProxy) || result.GetValue(print) || result.GetValue(pool) is { Length: > 0 }))
                result.AddError("--restore-kube-proxy installs nothing: leave out --with-proxy, --only-proxy, --pool and --print");
            if (result.GetValue(onlyProxy) && result.GetValue(pool) is { Length: > 0 })
                result.AddError("--only-proxy installs no pool: leave out --pool");
        });
        command.SetAction((parse, stop) =>
        {
            var plan = new InstallPlan
            {
                Namespace = parse.GetValue(ns)!,
                Pool = parse.GetValue(pool) ?? [],
                Protocol = parse.GetValue(protocol)!,
                Peers = peers.Read(parse),
                WithSystem = !parse.GetValue(onlyProxy),
                WithProxy = parse.GetValue(withProxy) || parse.GetValue(onlyProxy),
                ReplaceKubeProxy = parse.GetValue(replaceKubeProxy),
                Master = parse.GetValue(master),
                ProxyArguments = parse.GetValue(proxyArguments) ?? [],
                Image = parse.GetValue(image)!,
                ControllerReplicas = parse.GetValue(replicas),
                LoadBalancerClass = parse.GetValue(loadBalancerClass),
                Timeout = parse.GetValue(noWait) ? null : TimeSpan.FromSeconds(parse.GetValue(timeout)),
            };
            var output = parse.InvocationConfiguration.Output;
            if (parse.GetValue(restoreKubeProxy))
                return RunAsync(parse.GetValue(kubeconfig), async (client, progress) => await new KubeProxyRestorer(client, plan, output, progress, TimeProvider.System).RunAsync(stop), stop);
            return parse.GetValue(print) ? Task.FromResult(Print(plan, output)) : InstallAsync(plan, parse.GetValue(kubeconfig), output, stop);
        });
        return command;
    }

    private static int Print(InstallPlan plan, TextWriter output)
    {
        if (plan.WithProxy && plan.Master is null)
        {
            Console.Error.WriteLine("portolan install: --print of the proxy needs --master, the API server's own URL");
            return ExitCode.Usage;
        }

        output.Write(YamlText.Documents(plan.Everything()));
        return ExitCode.Done;
    }

    private static Task<int> InstallAsync(InstallPlan plan, string? kubeconfig, TextWriter output, CancellationToken stop) => RunAsync(
        kubeconfig,
        async (client, progress) =>
        {
            var server = client.Connection.Server;
            if (plan.WithProxy && plan.Master is null)
            {
                if (server.IsLoopback)
                {
                    await Console.Error.WriteLineAsync($"portolan install: the proxy runs on every node and cannot reach {server}: name the API server's own URL with --master");
                    return ExitCode.Usage;
                }

                plan = plan with { Master = server.AbsoluteUri.TrimEnd('/') };
            }

            return await new Installer(client, plan, output, progress).RunAsync(stop);
        },
        stop);

    private static async Task<int> RunAsync(string? kubeconfig, Func<KubeClient, Progress, Task<int>> work, CancellationToken stop)
    {
        var progress = Progress.OnStandardError();
        try
        {
            using var client = new KubeClient(ClusterConnection.Load(kubeconfig));
            return await work(client, progress);
        }
        catch (HttpRequestException failure)
        {
            progress.Clear();
            var why = failure.InnerException is { } inner && !failure.Message.Contains(inner.Message, StringComparison.Ordinal) ? $"{failure.Message}: {inner.Message}" : failure.Message;
            await Console.Error.WriteLineAsync($"portolan install: cannot reach the API server: {why}");
            return ExitCode.NotWell;
        }
        catch (Exception failure) when (failure is KubeConfigException or KubeApiException or TimeoutException or IOException)
        {
            progress.Clear();
            await Console.Error.WriteLineAsync($"portolan install: {failure.Message}");
            return ExitCode.NotWell;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            progress.Clear();
            await Console.Error.WriteLineAsync("portolan install: stopped; run it again to go on");
            return ExitCode.NotWell;
        }
    }
}
