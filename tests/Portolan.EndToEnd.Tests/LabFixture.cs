namespace Portolan.EndToEnd.Tests;

/// <summary>One lab with Portolan and the article's Service, shared by the tests that leave it as they found it.</summary>
public sealed class LabFixture : IAsyncLifetime
{
    internal const string Vip = "192.168.100.240";

    internal Lab Lab { get; } = new("e2e");

    public async ValueTask InitializeAsync()
    {
        Lab.Down();
        Lab.Up();
        Lab.Kubectl("create -f examples/article/").Succeeds();
        await Lab.AnswersAsync(Vip, 30);
        await PodsReadyAsync();
    }

    internal Task<string> PodsReadyAsync(string selector = "app=web", int count = 3) => Shell.EventuallyAsync(
        async () => (await Lab.KubectlAsync($"get po -l {selector}")).Output,
        pods => pods.Split('\n').Count(line => line.Contains(" 1/1 ", StringComparison.Ordinal) && line.Contains("Running", StringComparison.Ordinal)) == count,
        30, $"{count} ready pods {selector}");

    internal Task<string> SpeakersReadyAsync() => Shell.EventuallyAsync(
        async () => (await Lab.KubectlAsync("get ds -n metallb-system speaker -o jsonpath='{.status.numberReady}'")).Output,
        ready => ready == "3", 40, "three ready speakers");

    public ValueTask DisposeAsync()
    {
        Lab.Down();
        return ValueTask.CompletedTask;
    }
}

[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class LabCollection : ICollectionFixture<LabFixture>
{
    public const string Name = "lab";
}
