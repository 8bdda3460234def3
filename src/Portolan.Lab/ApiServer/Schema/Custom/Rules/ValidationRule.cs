using System.Globalization;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Schema.Custom.Rules;

/// <summary>A rule as a definition writes it (<c>x-kubernetes-validations</c>).</summary>
/// <param name="Rule">The expression that must hold.</param>
/// <param name="Message">What is said when it does not; empty when not given, as the other texts.</param>
/// <param name="MessageExpression">An expression that says it.</param>
/// <param name="Reason">Of the error; null when not given.</param>
/// <param name="FieldPath">The field the error is about, relative to the rule's place.</param>
/// <param name="OptionalOldSelf">Whether oldSelf is optional, so that the rule holds for new values, too; null when not given.</param>
internal sealed record ValidationRule(string Rule, string Message, string MessageExpression, string? Reason, string FieldPath, bool? OptionalOldSelf)
{
    /// <summary>What the rule is called in messages.</summary>
    public string Name => (Message.Length > 0 ? Message : Rule).Trim();

    public static ValidationRule[] ReadAll(JsonObject schema) =>
        [.. schema.Items("x-kubernetes-validations", "").Select(entry => new ValidationRule(
            entry.Item.Str("rule"), entry.Item.Str("message"), entry.Item.Str("messageExpression"), Scalars.AsString(entry.Item["reason"]), entry.Item.Str("fieldPath"), entry.Item.Flag("optionalOldSelf")))];

    /// <summary>The rule as a real server shows it in messages.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"apiextensions.ValidationRule{{Rule:{ErrorList.Quote(Rule)}, Message:{ErrorList.Quote(Message)}, MessageExpression:{ErrorList.Quote(MessageExpression)}, Reason:(*apiextensions.FieldValueErrorReason)({(Reason is null ? "nil" : ErrorList.Quote(Reason))}), FieldPath:{ErrorList.Quote(FieldPath)}, OptionalOldSelf:(*bool)({OptionalOldSelf switch { null => "nil", true => "true", false => "false" }})}}");
}
