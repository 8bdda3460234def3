using System.Collections.Concurrent;
using System.Text;

namespace Portolan.Fuzz;

/// <summary>Expressions of the Common Expression Language, compiled and evaluated by the server process: each must be refused or come to a value, within its cost.</summary>
internal sealed class CelTarget(ServerProcess server) : FuzzTarget
{
    private readonly ConcurrentDictionary<string, long> _tally = new();

    public override string? Dead => server.Dead;

    public override string Tally => string.Join(' ', _tally.OrderBy(t => t.Key).Select(t => $"{t.Key}×{t.Value}"));

    public override Task<long> MemoryAsync() => server.MemoryAsync();

    public override FuzzLane Open() => new Lane(server, _tally);

    public override byte[] Mutate(Random random, IReadOnlyList<byte[]> corpus) =>
        ByteMutation.Mutate(corpus[random.Next(corpus.Count)], random, corpus, Tokens.Expressions);

    public override ValueTask DisposeAsync() => server.DisposeAsync();

    private sealed class Lane(ServerProcess server, ConcurrentDictionary<string, long> tally) : FuzzLane
    {
        private readonly HttpClient _http = new() { BaseAddress = new($"http://127.0.0.1:{server.StreamPort}"), Timeout = FuzzRun.Patience };

        public override async Task<string?> TryAsync(byte[] input)
        {
            try
            {
                // The language is text: what is no UTF-8 never gets so far.
                using var answer = await _http.PostAsync("/cel", new StringContent(Encoding.UTF8.GetString(input)));
                var text = await answer.Content.ReadAsStringAsync();
                tally.AddOrUpdate(text, 1, (_, n) => n + 1);
                return answer.IsSuccessStatusCode ? null : $"{(int)answer.StatusCode}: {server.LastErrors}";
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                return server.Dead ?? e.Message;
            }
        }

        public override ValueTask DisposeAsync()
        {
            _http.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
