using Portolan.Lab.ApiServer;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.Tests.ApiServer;

internal static class ServedSchemas
{
    public static readonly ISchemaCatalogue Catalogue = new PassThroughCatalogue();
}
