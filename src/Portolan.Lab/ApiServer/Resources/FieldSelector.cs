using System.Text.Json;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>A field selector in query form: <c>spec.nodeName=node1,status.phase!=Running</c>. Only the fields each kind offers may be named.</summary>
internal sealed class FieldSelector
{
    private readonly record struct Term(string Field, byte[][] Path, string Value, bool Equal);

    private static readonly Dictionary<string, string[]> Offered = new(StringComparer.Ordinal)
    {
        ["pods"] = ["spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName"],
        ["events"] =
        [
            "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
            "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type",
        ],
        ["services"] = ["spec.clusterIP", "spec.type"],
        ["namespaces"] = ["status.phase"],
        ["nodes"] = ["spec.unschedulable"],
        ["secrets"] = ["type"],
        ["replicationcontrollers"] = ["status.replicas"],
        ["replicasets.apps"] = ["status.replicas"],
        ["jobs.batch"] = ["status.successful"],
    };

    private readonly List<Term> _terms = [];

    public bool IsEmpty => _terms.Count == 0;

    /// <summary>The name, when the selector asks for one object by <c>metadata.name=x</c>.</summary>
    public string? Name { get; private set; }

    public static FieldSelector Parse(string? text, KindSchema kind, string storage)
    {
        var selector = new FieldSelector();
        if (string.IsNullOrWhiteSpace(text)) return selector;
        foreach (var part in text.Split(','))
        {
            if (part.Length == 0) continue;
            var at = part.IndexOf('=');
            if (at <= 0) throw ApiErrors.BadRequest($"invalid selector: '{part}'; can't understand '{part}'");
            var unequal = part[at - 1] == '!';
            var field = part[..(unequal ? at - 1 : at)].Trim();
            var value = part[(at + 1)..].TrimStart('=').Trim();
            // The newer face of events calls it "regarding"; what is stored is the older.
            if (EventForms.Differs(kind) && field.StartsWith("regarding.", StringComparison.Ordinal)) field = "involvedObject." + field["regarding.".Length..];
            if (EventForms.Differs(kind) && field == "reportingController") field = "reportingComponent";
            if (field is not ("metadata.name" or "metadata.namespace") && !(Offered.TryGetValue(storage, out var fields) && fields.Contains(field)))
                throw ApiErrors.BadRequest($"Unable to find \"{kind.ApiVersion}, Resource={kind.Plural}\" that match label selector \"\", field selector \"{text}\": field label not supported: {field}");
            if (field == "metadata.name" && !unequal) selector.Name = value;
            var path = field == "source" ? "source.component" : field;
            selector._terms.Add(new(field, [.. path.Split('.').Select(System.Text.Encoding.UTF8.GetBytes)], value, !unequal));
        }

        return selector;
    }

    public bool Matches(StoredObject obj)
    {
        foreach (var term in _terms)
        {
            var value = term.Field switch
            {
                "metadata.name" => obj.Key.Name,
                "metadata.namespace" => obj.Key.Namespace,
                _ => Read(obj.Json, term.Path),
            };
            if (value == term.Value != term.Equal) return false;
        }

        return true;
    }

    private static string Read(byte[] json, byte[][] path)
    {
        var reader = new Utf8JsonReader(json, StoredJson.Reader);
        reader.Read();
        var depth = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var match = reader.ValueTextEquals(path[depth]);
            reader.Read();
            if (!match)
            {
                reader.Skip();
                continue;
            }

            if (++depth == path.Length)
            {
                return reader.TokenType switch
                {
                    JsonTokenType.String => reader.GetString()!,
                    JsonTokenType.Number => System.Text.Encoding.UTF8.GetString(reader.ValueSpan),
                    JsonTokenType.True => "true",
                    JsonTokenType.False => "false",
                    _ => "",
                };
            }

            if (reader.TokenType != JsonTokenType.StartObject) break;
        }

        return depth > 0 && path.Length == 2 && path[1].AsSpan().SequenceEqual("unschedulable"u8) ? "false" : "";
    }
}
