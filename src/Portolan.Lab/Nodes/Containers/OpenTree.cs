using System.Runtime.InteropServices;

using static Portolan.Lab.Nodes.Containers.NativeMethods;

namespace Portolan.Lab.Nodes.Containers;

/// <summary>Opens a place below a directory that containers write to, never leaving it: links are followed as if the directory were the root.</summary>
internal static unsafe class OpenTree
{
    /// <returns>An O_PATH descriptor.</returns>
    /// <exception cref="SystemCallException">The place is not there, or is not below the directory.</exception>
    public static int Open(string source, string? subPath, bool create)
    {
        var root = SystemCall.Check(open(source, OPath | OCloexec, 0), $"open {source}");
        if (string.IsNullOrEmpty(subPath))
            return root;
        var walked = "";
        var here = root;
        foreach (var part in subPath.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var next = $"{walked}/{part}";
            var descriptor = Beneath(root, next);
            if (descriptor < 0 && create && Marshal.GetLastPInvokeError() == SystemCall.ENOENT && part is not (".." or "."))
            {
                SystemCall.Check(mkdirat(here, part, 0x1ED), $"make directory {source}{next}"); // 0755
                descriptor = Beneath(root, next);
            }
            SystemCall.Check(descriptor, $"open {source}{next}");
            (walked, here) = (next, descriptor);
        }
        return here;
    }

    private static int Beneath(int root, string path)
    {
        var how = new OpenHow { Flags = OPath | OCloexec, Resolve = ResolveInRoot | ResolveNoMagicLinks };
        return (int)openat2(Openat2Number, root, path, &how, (nuint)sizeof(OpenHow));
    }
}
