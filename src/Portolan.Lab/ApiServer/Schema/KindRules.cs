using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>What a built-in kind adds to its type: defaults and rules. Every part may be missing.</summary>
internal sealed class KindRules
{
    public static KindRules None { get; } = new();

    /// <summary>For bodies that are not stored and so need no name: reviews, bindings.</summary>
    public static KindRules Unnamed { get; } = new() { HasName = false };

    /// <summary>The form of metadata.name; a DNS subdomain when not said otherwise.</summary>
    public Func<string, IEnumerable<string>> Name { get; init; } = NameRules.DnsSubdomain;

    /// <summary>Fills in defaults; idempotent.</summary>
    public Action<JsonObject>? Default { get; init; }

    /// <summary>Rules of the object itself, checked on create and update.</summary>
    public Action<JsonObject, ErrorList>? Check { get; init; }

    /// <summary>Rules of a change: new, old.</summary>
    public Action<JsonObject, JsonObject, ErrorList>? CheckChange { get; init; }

    /// <summary>Rules of a write to <c>/status</c>: new, old.</summary>
    public Action<JsonObject, JsonObject, ErrorList>? CheckStatus { get; init; }

    /// <summary>False for bodies that are not stored and so need no name: reviews, bindings.</summary>
    public bool HasName { get; init; } = true;
}
