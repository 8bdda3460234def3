using System.Text;
using System.Text.Json;

namespace Portolan.Fuzz;

/// <summary>Whether an answer is one that a server may give, whatever it was asked.</summary>
internal static class Verdict
{
    /// <returns>What is wrong with it; null when nothing.</returns>
    public static string? Of(string head, Answer answer)
    {
        if (answer.Problem is { } problem) return problem;
        // 505 is for the version of HTTP, which is ours; 504 tells of a revision that is not reached yet.
        // The answer to HEAD has no body that could say why: what is behind /proxy may be away there, too.
        var silent = head.StartsWith("HEAD ", StringComparison.OrdinalIgnoreCase);
        if (silent && answer.Code is (502 or 503) && head.Contains("/proxy", StringComparison.Ordinal)) return null;
        if (answer.Code >= 500 && !IsDeliberate(answer)) return $"{answer.Code}: {Text(answer)}";
        if (answer.Code < 400 || silent) return null;
        // What is no HTTP at all is refused before there is a request, and the connection closed.
        if (answer is { Closed: true, Body.Length: 0 }) return null;
        try
        {
            using var status = JsonDocument.Parse(answer.Body);
            var root = status.RootElement;
            return root.GetProperty("kind").GetString() == "Status" && root.GetProperty("code").GetInt32() == answer.Code && root.GetProperty("message").GetString()!.Length > 0 ? null : $"no Status: {Text(answer)}";
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return $"no Status: {answer.Code} {Text(answer)}";
        }
    }

    private static bool IsDeliberate(Answer answer) => answer.Code switch
    {
        // A Service without endpoints, a pod that does not answer: what is behind /proxy is not the server's own.
        502 or 503 => Text(answer) is var why && (why.Contains("no endpoints available", StringComparison.Ordinal) || why.Contains("no service port", StringComparison.Ordinal) || why.Contains("has no address yet", StringComparison.Ordinal) || why.Contains("error trying to reach", StringComparison.Ordinal)),
        504 => Text(answer).Contains("\"reason\":\"Timeout\"", StringComparison.Ordinal),
        505 => true,
        500 => Text(answer) is var text && (text.Contains("error dialing backend", StringComparison.Ordinal) || text.Contains("failed calling webhook", StringComparison.Ordinal)
            || text.Contains("conversion webhook for", StringComparison.Ordinal)),
        _ => false,
    };

    private static string Text(Answer answer) => Encoding.UTF8.GetString(answer.Body.AsSpan(..Math.Min(answer.Body.Length, 600)));
}
