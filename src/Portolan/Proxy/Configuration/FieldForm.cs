using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Commands.Import;
using Portolan.Core.Configuration;
using Portolan.Hosting;

namespace Portolan.Proxy.Configuration;

/// <summary>How the values of a kind are written, in a configuration file and behind a flag.</summary>
/// <typeparam name="T">What a value is once it is read.</typeparam>
/// <param name="name">What a wrong value is told not to be: <c>a number</c>.</param>
/// <param name="valueName">What stands for a value in help.</param>
internal abstract class FieldForm<T>(string name, string valueName)
{
    internal string Name => name;

    internal string ValueName => valueName;

    /// <summary>A value of a configuration file.</summary>
    internal abstract bool TryRead(JsonNode node, out T value);

    /// <summary>The text behind a flag.</summary>
    internal abstract bool TryParse(string text, out T value);

    /// <summary>The value as a configuration file has it.</summary>
    internal abstract JsonNode? Write(T value);

    private protected static bool IsText(JsonNode node, out string text)
    {
        text = node.GetValueKind() is JsonValueKind.String ? node.GetValue<string>() : "";
        return node.GetValueKind() is JsonValueKind.String;
    }
}

/// <summary>The forms that fields of <c>KubeProxyConfiguration</c> have.</summary>
internal static class FieldForms
{
    internal static readonly FieldForm<string> Text = new TextForm();
    internal static readonly FieldForm<bool> Boolean = new BooleanForm();
    internal static readonly FieldForm<int> Number = new NumberForm();
    internal static readonly FieldForm<double> Real = new RealForm();
    internal static readonly FieldForm<TimeSpan> Duration = new DurationForm();
    internal static readonly FieldForm<IReadOnlyList<string>> List = new ListForm();
    internal static readonly FieldForm<IReadOnlyDictionary<string, bool>> Gates = new GatesForm();

    /// <summary>Of fields whose value nobody here reads: it is kept as written.</summary>
    internal static readonly FieldForm<JsonNode?> Unread = new UnreadForm();

    private sealed class TextForm() : FieldForm<string>("text", "text")
    {
        internal override bool TryRead(JsonNode node, out string value) => IsText(node, out value);

        internal override bool TryParse(string text, out string value)
        {
            value = text;
            return true;
        }

        internal override JsonNode Write(string value) => JsonValue.Create(value);
    }

    private sealed class BooleanForm() : FieldForm<bool>("true or false", "true|false")
    {
        internal override bool TryRead(JsonNode node, out bool value)
        {
            value = node.GetValueKind() is JsonValueKind.True;
            return node.GetValueKind() is JsonValueKind.True or JsonValueKind.False;
        }

        // What Go's strconv.ParseBool takes; a flag alone means true.
        internal override bool TryParse(string text, out bool value)
        {
            value = text is "" or "1" or "t" or "T" or "true" or "True" or "TRUE";
            return value || text is "0" or "f" or "F" or "false" or "False" or "FALSE";
        }

        internal override JsonNode Write(bool value) => JsonValue.Create(value);
    }

    private sealed class NumberForm() : FieldForm<int>("a number", "number")
    {
        internal override bool TryRead(JsonNode node, out int value)
        {
            value = 0;
            return node is JsonValue number && number.TryGetValue(out long whole) && whole is >= int.MinValue and <= int.MaxValue && (value = (int)whole) == whole;
        }

        internal override bool TryParse(string text, out int value) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);

        internal override JsonNode Write(int value) => JsonValue.Create((long)value);
    }

    private sealed class RealForm() : FieldForm<double>("a number", "number")
    {
        internal override bool TryRead(JsonNode node, out double value)
        {
            value = 0;
            return node.GetValueKind() is JsonValueKind.Number && TryParse(node.ToJsonString(), out value);
        }

        internal override bool TryParse(string text, out double value) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);

        internal override JsonNode Write(double value) => value == Math.Truncate(value) && Math.Abs(value) < 1e15 ? JsonValue.Create((long)value) : JsonValue.Create(value);
    }

    private sealed class DurationForm() : FieldForm<TimeSpan>("a duration such as 30s or 1h30m", "duration")
    {
        internal override bool TryRead(JsonNode node, out TimeSpan value)
        {
            value = default;
            return IsText(node, out var text) && TryParse(text, out value);
        }

        internal override bool TryParse(string text, out TimeSpan value) => GoDuration.TryParse(text, out value);

        internal override JsonNode Write(TimeSpan value) =>
            JsonValue.Create(value.Ticks % TimeSpan.TicksPerSecond == 0 ? DurationText.Of(value) : new Duration(value).ToString());
    }

    private sealed class ListForm() : FieldForm<IReadOnlyList<string>>("a list of texts", "list")
    {
        internal override bool TryRead(JsonNode node, out IReadOnlyList<string> value)
        {
            var items = new List<string>();
            value = items;
            if (node is not JsonArray array)
                return false;
            foreach (var item in array)
            {
                if (item is null || !IsText(item, out var text))
                    return false;
                items.Add(text);
            }

            return true;
        }

        internal override bool TryParse(string text, out IReadOnlyList<string> value)
        {
            value = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            return true;
        }

        internal override JsonNode Write(IReadOnlyList<string> value) => new JsonArray([.. value.Select(item => JsonValue.Create(item))]);
    }

    private sealed class GatesForm() : FieldForm<IReadOnlyDictionary<string, bool>>("names with true or false", "name=true,...")
    {
        internal override bool TryRead(JsonNode node, out IReadOnlyDictionary<string, bool> value)
        {
            var gates = new SortedDictionary<string, bool>(StringComparer.Ordinal);
            value = gates;
            if (node is not JsonObject named)
                return false;
            foreach (var (gate, state) in named)
            {
                if (state is null || !Boolean.TryRead(state, out var isOn))
                    return false;
                gates[gate] = isOn;
            }

            return true;
        }

        internal override bool TryParse(string text, out IReadOnlyDictionary<string, bool> value)
        {
            var gates = new SortedDictionary<string, bool>(StringComparer.Ordinal);
            value = gates;
            foreach (var gate in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (gate.Split('=', 2, StringSplitOptions.TrimEntries) is not [{ Length: > 0 } name, { Length: > 0 } state] || !Boolean.TryParse(state, out var isOn))
                    return false;
                gates[name] = isOn;
            }

            return true;
        }

        internal override JsonNode Write(IReadOnlyDictionary<string, bool> value)
        {
            var gates = new JsonObject();
            foreach (var (gate, isOn) in value)
                gates[gate] = isOn;
            return gates;
        }
    }

    private sealed class UnreadForm() : FieldForm<JsonNode?>("a value", "value")
    {
        internal override bool TryRead(JsonNode node, out JsonNode? value)
        {
            value = node.DeepClone();
            return true;
        }

        internal override bool TryParse(string text, out JsonNode? value)
        {
            value = JsonValue.Create(text);
            return true;
        }

        internal override JsonNode? Write(JsonNode? value) => value?.DeepClone();
    }
}
