namespace Portolan.EndToEnd.Tests.Conformance;

/// <summary>What the verbs' scripts may call.</summary>
internal static class ConformanceScript
{
    public const string Tools = """
        set -euo pipefail
        exec 2>&1
        k() { $K "$@"; }
        h() { $H "$@"; }
        refused() { if "$@"; then echo "should have been refused: $*"; return 1; fi; }
        until_it() { local i out; for i in $(seq 200); do if out=$("$@" 2>&1) && [ -n "$out" ]; then echo "$out"; return 0; fi; sleep 0.2; done; echo "$out"; return 1; }

        """;
}
