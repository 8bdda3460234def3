using System.Runtime.InteropServices;

namespace Portolan.Lab.Nodes.Containers;

/// <summary>The arguments of execve(2) in native memory, so that nothing is allocated between giving up privileges and executing.</summary>
internal sealed unsafe class ProcessImage : IDisposable
{
    private readonly byte* _path;
    private readonly byte** _arguments;
    private readonly byte** _environment;

    public ProcessImage(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment)
    {
        _path = (byte*)Marshal.StringToCoTaskMemUTF8(path);
        _arguments = Vector(arguments);
        _environment = Vector(environment);
    }

    /// <returns>Only on failure: -1, and the error is in errno.</returns>
    public int Execute()
    {
        // Ignored and blocked signals outlive execve, and the runtime ignores SIGPIPE: a shell would inherit that.
        // 32 and 33 are the C library's own.
        for (var number = 1; number <= 64; number++)
            if (number is not (9 or 19 or 32 or 33))
                NativeMethods.signal(number, 0);
        var none = stackalloc ulong[16];
        new Span<ulong>(none, 16).Clear();
        NativeMethods.pthread_sigmask(NativeMethods.SigSetmask, none, null);
        return NativeMethods.execve(_path, _arguments, _environment);
    }

    private static byte** Vector(IReadOnlyList<string> values)
    {
        var vector = (byte**)NativeMemory.AllocZeroed((nuint)(values.Count + 1), (nuint)sizeof(byte*));
        for (var i = 0; i < values.Count; i++)
            vector[i] = (byte*)Marshal.StringToCoTaskMemUTF8(values[i]);
        return vector;
    }

    public void Dispose()
    {
        Marshal.FreeCoTaskMem((nint)_path);
        Free(_arguments);
        Free(_environment);

        static void Free(byte** vector)
        {
            for (var i = 0; vector[i] is not null; i++)
                Marshal.FreeCoTaskMem((nint)vector[i]);
            NativeMemory.Free(vector);
        }
    }
}
