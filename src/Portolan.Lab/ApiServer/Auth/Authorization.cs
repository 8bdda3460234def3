using Portolan.Lab.ApiServer.Http;

namespace Portolan.Lab.ApiServer.Auth;

/// <summary>
/// Who may do what: the one place that decides. In the lab every authenticated identity may do everything; roles and bindings are stored, and this
/// is where they will be asked.
/// </summary>
internal static class Authorization
{
    /// <summary>Paths that anyone may read, as on a real server.</summary>
    public static bool IsPublic(string path) => path is "/healthz" or "/livez" or "/readyz" or "/version";

    public static bool Allows(Identity? who, string verb, in RequestPath path) => who is not null;
}
