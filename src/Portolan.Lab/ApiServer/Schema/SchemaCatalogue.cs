using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema.Custom;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>The one catalogue: built-in kinds from the embedded types, custom ones compiled on demand.</summary>
internal sealed class SchemaCatalogue : ISchemaCatalogue
{
    public IReadOnlyList<KindSchema> BuiltIn => BuiltInKinds.All;

    /// <summary>Kinds without a path of their own: Scale, Eviction, TokenRequest, DeleteOptions, Status.</summary>
    public IReadOnlyList<KindSchema> BodiesOnly => BuiltInKinds.BodiesOnly;

    public IReadOnlyList<KindSchema> Compile(JsonObject crd) => DefinitionCompiler.Compile(crd);

    public byte[] OpenApiV3(string group, string version, IReadOnlyList<KindSchema> kinds) => OpenApiDocument.Write(group, version, kinds);
}
