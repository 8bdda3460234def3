using System.Text.Json;

namespace Portolan.Lab.ApiServer.Storage;

/// <summary>Finding one's way in stored JSON without making objects of it.</summary>
internal static class JsonReading
{
    /// <summary>Moves a reader that has not begun an object to the value of one of its members; false when it has none of that name.</summary>
    public static bool MoveToMember(this ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = reader.ValueTextEquals(name);
            reader.Read();
            if (found) return true;
            reader.Skip();
        }

        return false;
    }
}
