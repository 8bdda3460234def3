using System.Collections.Concurrent;
using System.Text;

namespace Portolan.Fuzz;

/// <summary>What of a request is mutated most.</summary>
internal enum RequestPart
{
    /// <summary>The path and the query.</summary>
    Target,

    /// <summary>The body.</summary>
    Body,
}

/// <summary>
/// Requests to the API server. An input is text: <c>METHOD TARGET</c>, then perhaps <c>Name: value</c> lines, an empty line, and the body. The answer must be whole, in time,
/// no server error, and when it is a refusal a <c>Status</c> that says so.
/// </summary>
internal sealed class RequestTarget(ServerProcess server, RequestPart part) : FuzzTarget
{
    private static readonly string[] Swept =
    [
        "/api/v1/namespaces/fuzz/configmaps", "/api/v1/namespaces/fuzz/secrets", "/api/v1/namespaces/fuzz/pods?gracePeriodSeconds=0", "/api/v1/namespaces/fuzz/endpoints",
        "/api/v1/namespaces/fuzz/events", "/apis/apps/v1/namespaces/fuzz/deployments", "/apis/coordination.k8s.io/v1/namespaces/fuzz/leases",
        "/apis/discovery.k8s.io/v1/namespaces/fuzz/endpointslices", "/apis/networking.k8s.io/v1/namespaces/fuzz/ingresses", "/apis/example.com/v1/namespaces/fuzz/gadgets",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", "/apis/rbac.authorization.k8s.io/v1/namespaces/fuzz/roles",
    ];

    private readonly ConcurrentDictionary<int, long> _tally = new();

    public override string? Dead => server.Dead;

    public override string Tally => string.Join(' ', _tally.OrderBy(t => t.Key).Select(t => $"{t.Key}×{t.Value}"));

    public override Task<long> MemoryAsync() => server.MemoryAsync();

    public override FuzzLane Open() => new Lane(new RequestConnection(server), server, _tally);

    public override byte[] Mutate(Random random, IReadOnlyList<byte[]> corpus)
    {
        var (head, body) = Split(corpus[random.Next(corpus.Count)]);
        var bodyToo = part == RequestPart.Body ? random.Next(10) > 0 : random.Next(10) == 0;
        if (bodyToo && body.Length > 0)
            body = random.Next(3) > 0 && JsonMutation.TryMutate(body, random, out var mutated) ? mutated : ByteMutation.Mutate(body, random, [.. corpus.Select(c => Split(c).Body)], Tokens.Bodies);
        if (part == RequestPart.Target || random.Next(20) == 0)
        {
            var line = head.Split('\n', 2);
            var changed = ByteMutation.Mutate(Encoding.Latin1.GetBytes(line[0]), random, [.. corpus.Select(c => Encoding.Latin1.GetBytes(Split(c).Head.Split('\n')[0]))], Tokens.Targets);
            // A line's end inside would make two requests of one, and the second one wait for its rest.
            line[0] = Encoding.Latin1.GetString(changed).Replace('\r', ' ').Replace('\n', ' ');
            head = string.Join('\n', line);
        }

        return [.. Encoding.Latin1.GetBytes(head), .. "\n\n"u8, .. body];
    }

    public override async Task SweepAsync()
    {
        await using var connection = new RequestConnection(server);
        // Definitions that a mutation made would fill the registry, and the objects with finalizers their namespace.
        foreach (var path in Swept) await connection.SendAsync($"DELETE {path}", []);
        await Seeds.PlantAsync(connection);
    }

    public override ValueTask DisposeAsync() => server.DisposeAsync();

    private static (string Head, byte[] Body) Split(byte[] input)
    {
        var at = input.AsSpan().IndexOf("\n\n"u8);
        return at < 0 ? (Encoding.Latin1.GetString(input).TrimEnd('\n'), []) : (Encoding.Latin1.GetString(input.AsSpan(..at)), input[(at + 2)..]);
    }

    private sealed class Lane(RequestConnection connection, ServerProcess server, ConcurrentDictionary<int, long> tally) : FuzzLane
    {
        private bool _planted;

        public override async Task<string?> TryAsync(byte[] input)
        {
            if (!_planted) await Seeds.PlantAsync(connection);
            _planted = true;
            var (head, body) = Split(input);
            var answer = await connection.SendAsync(head, body);
            tally.AddOrUpdate(answer.Code, 1, (_, n) => n + 1);
            return Verdict.Of(head, answer) is { } problem ? $"{problem} {server.LastErrors}" : null;
        }

        public override ValueTask DisposeAsync() => connection.DisposeAsync();
    }
}
