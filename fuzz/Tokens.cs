using System.Text;

namespace Portolan.Fuzz;

/// <summary>Pieces that parsers have opinions on.</summary>
internal static class Tokens
{
    private static readonly string[] Numbers = ["0", "-1", "1", "2147483647", "2147483648", "-2147483649", "9223372036854775807", "9223372036854775808", "18446744073709551616", "1e400", "-0", "0.1", "00", "1_0", "NaN"];

    /// <summary>In paths and queries.</summary>
    public static IReadOnlyList<byte[]> Targets { get; } = Bytes(
    [
        .. Numbers, "/", "//", "/..", "/.", "%2f", "%2F", "%00", "%", "%zz", "%C3%28", "%F0%9F%98%80", "?", "&", "=", "#", ";", ",", "(", ")", "!", "!=", "==", "=~", " in (", " notin (", "*", ":", "@", "\\", "\0", "\t", "\"",
        "watch=true", "watch=1", "watch", "limit=1", "limit=0", "continue=", "resourceVersion=", "resourceVersionMatch=Exact", "resourceVersionMatch=NotOlderThan", "labelSelector=", "fieldSelector=", "timeoutSeconds=1",
        "allowWatchBookmarks=true", "sendInitialEvents=true", "dryRun=All", "fieldValidation=Strict", "fieldManager=x", "force=true", "propagationPolicy=Orphan", "gracePeriodSeconds=0", "pretty=true", "timeout=1s", "includeObject=Object",
        "metadata.name=", "metadata.namespace=", "spec.nodeName=", "status.phase!=", "a in (b,c)", "/api", "/apis", "/api/v1", "/openapi/v3", "/openapi/v2", "/version", "/healthz", "/namespaces/", "/fuzz", "/kube-system",
        "/configmaps", "/pods", "/services", "/kept", "/p", "/status", "/scale", "/log", "/exec", "/attach", "/portforward", "/proxy", "/binding", "/eviction", "/token", "/finalize", "/watch", "/deployments", "/apps/v1", "/example.com/v1/",
        "/gadgets", "eyJzIjoiYSIsImF0IjoxfQ==", "bm90IGpzb24=", "GET ", "HEAD ", "PATCH ", "OPTIONS ", "TRACE ", "CONNECT ",
    ]);

    /// <summary>In bodies of any text format.</summary>
    public static IReadOnlyList<byte[]> Bodies { get; } = Bytes(
    [
        .. Numbers, "{", "}", "[", "]", "[[[[[[[[", "{\"a\":", ",", ":", "\"", "null", "true", "\"\"", "\\u0000", "\\ud800", "\\", "\0", "\u00ff", "---\n", "&a ", "*a", "<<: *a", "!!binary ", "!!float ", "- ", "? ", "|\n", "#", "\n", "\t", "'", "%",
        "\"metadata\":", "\"name\":", "\"namespace\":", "\"labels\":", "\"finalizers\":", "\"ownerReferences\":", "\"managedFields\":", "\"resourceVersion\":", "\"uid\":", "\"spec\":", "\"status\":", "\"kind\":", "\"apiVersion\":", "\"items\":",
        "\"$patch\":\"delete\"", "\"$patch\":\"replace\"", "\"$retainKeys\":[", "\"$setElementOrder/containers\":[", "\"$deleteFromPrimitiveList/finalizers\":[", "\"op\":\"move\"", "\"op\":\"copy\"", "\"path\":\"\"", "\"path\":\"/-\"", "\"from\":\"/\"",
        "k8s\0", "\x0a\x05", "\xff\xff\xff\xff\x0f", "\x08\x96\x01",
    ]);

    /// <summary>In frames: lengths and flags.</summary>
    public static IReadOnlyList<byte[]> Frames { get; } =
    [
        [0], [0xFF], [0x7F], [0x80], [0xFF, 0xFF], [0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF], [0x7F, 0xFF, 0xFF, 0xFF], [0x80, 3, 0, 1], [0x80, 3, 0, 3], [0x80, 3, 0, 6], [0x80, 3, 0, 7], [0x80, 3, 0, 8], [0, 0, 0, 1], [1, 0, 0, 0],
        [0x82, 0xFE], [0x82, 0xFF], [0x88, 0x80], [0x89, 0x80], [0x02, 0x81], [0x80, 0x81], [0x00, 0x00, 0xFF, 0xFF],
    ];

    /// <summary>In expressions.</summary>
    public static IReadOnlyList<byte[]> Expressions { get; } = Bytes(
    [
        .. Numbers, "u", "e9", "(", ")", "((((((((", "[", "]", "{", "}", ".", "?", ":", "? 1 : ", "&&", "||", "!", "!!!!!!", "-", "---", "+", "*", "/", "%", "==", "!=", "<=", " in ", "[?", ".?", "\"", "'", "\"\"\"", "r'", "b\"", "\\u00e9", "\\U0010FFFF", "\\x", "//", "\n",
        "self", "oldSelf", "text", "number", "self.list", "self.map", "self.items", "self.none", "null", "true", "type(", "dyn(", "int(", "uint(", "double(", "string(", "bytes(", "timestamp(", "duration(", "has(", "size(", ".all(x, ", ".exists(x, ", ".map(x, ",
        ".filter(x, ", ".exists_one(x, ", ".matches('(a+)+$')", ".replace('', 'xx')", ".split('')", ".join('')", ".format([", "%s", "%.9999f", ".substring(", ".charAt(", ".indexOf(", ".sum()", ".min()", "quantity('1Gi')", "ip('::1')", "cidr('10.0.0.0/8')", "url('", "optional.of(", ".orValue(",
        "cel.bind(x, ", "sets.contains(", "x", "-9223372036854775808", "1/0", "1%0", "'P'", "{1: 2, 1: 3}",
    ]);

    private static IReadOnlyList<byte[]> Bytes(IEnumerable<string> tokens) => [.. tokens.Select(Encoding.Latin1.GetBytes)];
}
