using System.Runtime.InteropServices;

namespace Portolan.Linux.Netlink;

/// <summary>The kernel refused a netlink request, or the socket failed.</summary>
public sealed class NetlinkException : Exception
{
    /// <summary>A failure of an operation.</summary>
    /// <param name="operation">What was asked, as a reader of a log would say it.</param>
    /// <param name="errno">The positive errno value.</param>
    /// <param name="extAckMessage">The kernel's own words (NLMSGERR_ATTR_MSG), or null.</param>
    /// <param name="offset">Offset of the offending attribute in the request (NLMSGERR_ATTR_OFFS), or -1.</param>
    public NetlinkException(string operation, int errno, string? extAckMessage = null, int offset = -1)
        : base($"{operation}: {Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})" + (extAckMessage is null ? "" : $": {extAckMessage}"))
    {
        Operation = operation;
        Errno = errno;
        ExtAckMessage = extAckMessage;
        Offset = offset;
    }

    /// <summary>What was asked.</summary>
    public string Operation { get; }

    /// <summary>The positive errno value.</summary>
    public int Errno { get; }

    /// <summary>The kernel's own words, or null.</summary>
    public string? ExtAckMessage { get; }

    /// <summary>Offset of the offending attribute in the request, or -1.</summary>
    public int Offset { get; }

    /// <summary>Notifications or answers were lost because the receive buffer was full (ENOBUFS): what is known must be read again.</summary>
    public bool IsOverrun => Errno == Errors.NoBuffers;

    /// <summary>What was named does not exist (ENOENT).</summary>
    public bool IsNotFound => Errno == Errors.NotFound;
}

/// <summary>The errno values netlink code tells apart (asm-generic/errno.h).</summary>
public static class Errors
{
    /// <summary>EPERM.</summary>
    public const int NotPermitted = 1;

    /// <summary>ENOENT.</summary>
    public const int NotFound = 2;

    /// <summary>ESRCH.</summary>
    public const int NoSuchProcess = 3;

    /// <summary>EINTR: a signal, or a dump that never came out consistent.</summary>
    public const int Interrupted = 4;

    /// <summary>EAGAIN: nothing arrived in time.</summary>
    public const int Again = 11;

    /// <summary>EBUSY.</summary>
    public const int Busy = 16;

    /// <summary>EEXIST.</summary>
    public const int Exists = 17;

    /// <summary>ENODEV.</summary>
    public const int NoDevice = 19;

    /// <summary>EINVAL.</summary>
    public const int InvalidArgument = 22;

    /// <summary>ENFILE: a set of nftables is full.</summary>
    public const int SetFull = 23;

    /// <summary>EMSGSIZE.</summary>
    public const int MessageSize = 90;

    /// <summary>EOPNOTSUPP.</summary>
    public const int NotSupported = 95;

    /// <summary>EADDRNOTAVAIL: there is no such address.</summary>
    public const int AddressNotAvailable = 99;

    /// <summary>ENOBUFS.</summary>
    public const int NoBuffers = 105;

    /// <summary>ERESTART: the ruleset's generation moved on.</summary>
    public const int Restart = 85;
}
