using System.Globalization;

namespace Portolan.EndToEnd.Tests;

/// <summary>Packets of a host or a pod, written for Wireshark.</summary>
[Collection(LabCollection.Name)]
public sealed class CaptureCommandTests(LabFixture fixture) : IDisposable
{
    private readonly Lab _lab = fixture.Lab;
    private readonly string _file = Path.Combine(Directory.CreateTempSubdirectory("capture").FullName, "seen.pcap");

    [Fact]
    public async Task WritesWhatTheFilterLetsThrough_AndStopsByItself()
    {
        var capture = Shell.RunAsync($"portolan lab capture --name {_lab.Name} node1 -w {_file} --seconds 4 -- icmp", new Dictionary<string, string>(_lab.Variables));
        await FileAppearsAsync();
        _lab.On("client", "ping -q -c 3 -i 0.2 192.168.100.100").Succeeds();
        (await capture).Succeeds();
        Assert.Equal(0xA1B2C3D4, BitConverter.ToUInt32(File.ReadAllBytes(_file)));
        Assert.Equal(6, Count("icmp and host 192.168.100.20"));
        Assert.Equal(0, Count("not icmp"));
    }

    [Fact]
    public async Task StopsAtCtrlC_AndKeepsAPodsPackets()
    {
        var pod = _lab.Kubectl("get pod -l app=web -o jsonpath='{.items[0].metadata.name} {.items[0].status.podIP}'").Succeeds().Output.Trim().Split(' ');
        using var capture = Shell.Start($"exec portolan lab capture --name {_lab.Name} default/{pod[0]} -w {_file} -- tcp port 8080", new Dictionary<string, string>(_lab.Variables));
        await FileAppearsAsync();
        _lab.On("node1", $"curl -s -m 5 http://{pod[1]}:8080").Succeeds();
        Shell.Run($"kill -INT {capture.Id}").Succeeds();
        await capture.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Equal(0, capture.ExitCode);
        Assert.True(Count($"dst host {pod[1]} and tcp[tcpflags] & tcp-syn != 0") >= 1);
    }

    [Fact]
    public void SaysWhatIsNotThere()
    {
        Assert.Contains("there is no pod default/absent", _lab.Portolan($"lab capture --name {_lab.Name} default/absent").Fails().All);
        Assert.Contains("there is no host 'node9'", _lab.Portolan($"lab capture --name {_lab.Name} node9").Fails().All);
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_file)!, recursive: true);

    /// <summary>tcpdump makes the file once it listens.</summary>
    private Task FileAppearsAsync() => Shell.EventuallyAsync(() => Task.FromResult(File.Exists(_file) && new FileInfo(_file).Length >= 24), there => there, 20, "the capture's file");

    private int Count(string filter) => int.Parse(Shell.Run($"tcpdump -n -r {_file} '{filter}' 2>/dev/null | wc -l").Succeeds().Output, CultureInfo.InvariantCulture);
}
