using System.Runtime.InteropServices;

using Microsoft.Win32.SafeHandles;

using static Portolan.Lab.Nodes.Containers.NativeMethods;

namespace Portolan.Lab.Nodes.Containers;

/// <summary>Columns and rows of a terminal window.</summary>
internal readonly record struct TerminalSize(ushort Width, ushort Height);

/// <summary>The agent's side of a pseudo-terminal that lives in a container's own devpts, so that the container sees it under its name.</summary>
internal sealed unsafe class Terminal : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly FileStream _stream;

    private Terminal(SafeFileHandle handle, int number)
    {
        (_handle, Number) = (handle, number);
        _stream = new FileStream(handle, FileAccess.ReadWrite, 0, isAsync: false);
    }

    /// <summary>N of /dev/pts/N in the container.</summary>
    public int Number { get; }

    /// <exception cref="SystemCallException">The container is gone, or has no terminals left.</exception>
    public static Terminal OpenIn(int containerPid)
    {
        var path = $"/proc/{containerPid}/root/dev/pts/ptmx";
        var handle = new SafeFileHandle(SystemCall.Check(open(path, ORdwr | ONoctty | OCloexec, 0), $"open {path}"), ownsHandle: true);
        var descriptor = (int)handle.DangerousGetHandle();
        int unlocked = 0, number = 0;
        SystemCall.Check(ioctl(descriptor, TiocSptlck, (nint)(&unlocked)), "unlock the terminal");
        SystemCall.Check(ioctl(descriptor, TiocGptn, (nint)(&number)), "number of the terminal");
        return new Terminal(handle, number);
    }

    public void Resize(TerminalSize size)
    {
        // struct winsize: rows, columns, and two pixel counts nobody uses.
        var window = stackalloc ushort[4] { size.Height, size.Width, 0, 0 };
        if (!_handle.IsClosed)
            _ = ioctl((int)_handle.DangerousGetHandle(), TiocSwinsz, (nint)window);
    }

    public void Write(ReadOnlySpan<byte> bytes) => _stream.Write(bytes);

    /// <returns>0 when the last process that had the terminal open is gone.</returns>
    public int Read(Span<byte> buffer)
    {
        var held = false;
        try
        {
            // A disposed terminal stays open while somebody reads: its number must not become another file's meanwhile.
            _handle.DangerousAddRef(ref held);
            fixed (byte* start = buffer)
            {
                nint count;
                do
                    count = read((int)_handle.DangerousGetHandle(), start, (nuint)buffer.Length);
                while (count < 0 && Marshal.GetLastPInvokeError() == SystemCall.EINTR);
                return count < 0 ? 0 : (int)count; // EIO says that the other side is closed
            }
        }
        catch (ObjectDisposedException)
        {
            return 0;
        }
        finally
        {
            if (held)
                _handle.DangerousRelease();
        }
    }

    public void Dispose() => _stream.Dispose();
}
