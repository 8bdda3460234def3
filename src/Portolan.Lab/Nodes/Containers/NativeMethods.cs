using System.Runtime.InteropServices;

namespace Portolan.Lab.Nodes.Containers;

/// <summary>The C library calls that make a container. Names and constants are the kernel's own.</summary>
internal static unsafe partial class NativeMethods
{
    public const nuint MsRdonly = 1, MsNosuid = 2, MsNodev = 4, MsNoexec = 8, MsRemount = 32, MsBind = 4096, MsRec = 16384, MsPrivate = 1 << 18;
    public const int MntDetach = 2;
    public const uint SIfChr = 0x2000;
    public const int ORdonly = 0, OWronly = 1, ORdwr = 2, ONoctty = 0x100, ODirectory = 0x10000, OPath = 0x200000, OCloexec = 0x80000;
    public const int PrSetPdeathsig = 1, PrCapbsetDrop = 24, PrSetNoNewPrivs = 38, PrCapAmbient = 47, PrCapAmbientClearAll = 4;
    public const int CloseRangeCloexec = 4;
    public const int CloneNewns = 0x20000, CloneFs = 0x200;
    public const int SigKill = 9, SigTerm = 15, SigPipe = 13;
    public const int SigSetmask = 2;
    public const nuint TiocSctty = 0x540E, TiocSwinsz = 0x5414, TiocSptlck = 0x40045431, TiocGptn = 0x80045430;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mount(string? source, string target, string? type, nuint flags, string? data);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int umount2(string target, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int pivot_root(string newRoot, string putOld);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int sethostname(string name, nuint length);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mknod(string path, uint mode, ulong device);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mkdir(string path, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rmdir(string path);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int chmod(string path, uint mode);
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rename(string from, string to);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int chown(string path, uint owner, uint group);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int symlink(string target, string path);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int setxattr(string path, string name, byte* value, nuint size, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int access(string path, int mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int chdir(string path);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fchdir(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    public static partial byte* getcwd(byte* buffer, nuint size);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mkdirat(int directory, string path, uint mode);

    /// <summary>openat2(2), which the C library does not wrap: number 437 on every architecture.</summary>
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint openat2(nint number, int directory, string path, OpenHow* how, nuint size);

    public const nint Openat2Number = 437;

    /// <summary>struct open_how (linux/openat2.h).</summary>
    public struct OpenHow
    {
        public ulong Flags, Mode, Resolve;
    }

    public const ulong ResolveNoMagicLinks = 2, ResolveInRoot = 16;

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int dup2(int from, int to);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close_range(uint first, uint last, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int ioctl(int descriptor, nuint request, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setsid();

    [LibraryImport("libc", SetLastError = true)]
    public static partial int kill(int process, int signal);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setns(int descriptor, int kind);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setgroups(nuint count, uint* groups);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setresgid(uint real, uint effective, uint saved);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setresuid(uint real, uint effective, uint saved);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int capset(uint* header, uint* data);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint signal(int number, nint handler);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int pthread_sigmask(int how, ulong* set, ulong* old);

    [LibraryImport("libc")]
    public static partial uint umask(uint mask);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int execve(byte* path, byte** arguments, byte** environment);

    [LibraryImport("libc")]
    public static partial void _exit(int status);
}
