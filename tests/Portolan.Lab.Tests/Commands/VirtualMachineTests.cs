using System.CommandLine;

using Portolan.Lab.Commands;

namespace Portolan.Lab.Tests.Commands;

/// <summary><c>lab up --proxy ipvs --vm -- COMMAND</c>, as far as it goes without a machine.</summary>
public sealed class VirtualMachineTests
{
    [Fact]
    public void TheLabThereHasTheOptionsThatWereGiven_AndMorePatience() =>
        Assert.Equal(["--proxy", "ipvs", "--nodes", "2", "--timeout", "900", "--node-monitor-grace-period", "40"], VirtualMachine.Options(["--proxy", "ipvs", "--vm", "--nodes", "2"]));

    [Fact]
    public void WhatIsGivenIsNotGivenAgain() =>
        Assert.Equal(["--timeout", "60", "--node-monitor-grace-period", "9"], VirtualMachine.Options(["--timeout", "60", "--node-monitor-grace-period", "9", "--vm"]));

    [Theory]
    [InlineData("up --proxy ipvs")]
    [InlineData("up --vm --proxy ipvs -- kubectl get svc -o wide")]
    [InlineData("up --vm")]
    public void IsUnderstood(string arguments) => Assert.Empty(Parse(arguments).Errors);

    [Theory]
    [InlineData("up --proxy iptables", "iptables")]
    [InlineData("up --proxy ipvs -- kubectl get nodes", "'kubectl' is no option; a command to run belongs to --vm")]
    [InlineData("up --timeout 0", "--timeout: at least 1")]
    public void IsRefused(string arguments, string why) => Assert.Contains(Parse(arguments).Errors, error => error.Message.Contains(why, StringComparison.Ordinal));

    private static ParseResult Parse(string arguments) => new RootCommand { UpCommand.Create() }.Parse(arguments.Split(' '));
}
