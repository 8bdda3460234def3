using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements;

/// <summary>A Service's name in 8 bytes, for messages between speakers.</summary>
public static class ServiceDigest
{
    /// <summary>The first 8 bytes of the SHA-256 of <c>namespace/name</c>, most significant first.</summary>
    public static ulong Of(ObjectKey service)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(service.ToString()), digest);
        return BinaryPrimitives.ReadUInt64BigEndian(digest);
    }
}
