using System.Buffers;
using System.Text;
using System.Text.Json;
using Portolan.Lab.ApiServer.Storage;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>JSON written as YAML, for the rare client that asks for it.</summary>
internal static class YamlText
{
    public static void Write(IBufferWriter<byte> to, ReadOnlySpan<byte> json)
    {
        using var text = new StringWriter();
        var emitter = new Emitter(text);
        emitter.Emit(new StreamStart());
        emitter.Emit(new DocumentStart());
        var reader = new Utf8JsonReader(json, StoredJson.Reader);
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject: emitter.Emit(new MappingStart()); break;
                case JsonTokenType.EndObject: emitter.Emit(new MappingEnd()); break;
                case JsonTokenType.StartArray: emitter.Emit(new SequenceStart(default, default, true, SequenceStyle.Any)); break;
                case JsonTokenType.EndArray: emitter.Emit(new SequenceEnd()); break;
                case JsonTokenType.PropertyName:
                case JsonTokenType.String:
                    var value = reader.GetString()!;
                    // A string that would read back as something else needs its quotes.
                    var plain = YamlScalar.ToJson(new Scalar(default, default, value, ScalarStyle.Plain, true, false))?.GetValueKind() == JsonValueKind.String;
                    emitter.Emit(new Scalar(default, default, value, plain ? ScalarStyle.Any : ScalarStyle.DoubleQuoted, true, true));
                    break;
                default:
                    emitter.Emit(new Scalar(default, default, Encoding.UTF8.GetString(reader.ValueSpan), ScalarStyle.Plain, true, false));
                    break;
            }
        }

        emitter.Emit(new DocumentEnd(true));
        emitter.Emit(new StreamEnd());
        to.Write(Encoding.UTF8.GetBytes(text.ToString()));
    }
}
