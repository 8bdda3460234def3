using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>What the server itself does to a kind on writes, beside what its schema says. The base does nothing.</summary>
internal class ResourceStrategy
{
    public static readonly ResourceStrategy Plain = new();

    /// <summary>Most kinds start without a status, whatever the client sent. Nodes bring theirs.</summary>
    public virtual bool KeepsStatusOnCreate => false;

    /// <summary>After defaulting, before validation; findings go to the scope.</summary>
    public virtual void PrepareCreate(JsonObject obj, WriteScope scope)
    {
    }

    /// <summary>After defaulting, before validation. Not called for subresources.</summary>
    public virtual void PrepareUpdate(JsonObject obj, JsonObject old, WriteScope scope)
    {
    }

    /// <summary>The same for a write to a subresource; what it may not touch is as it was already.</summary>
    public virtual void PrepareSubresource(string subresource, JsonObject obj, JsonObject old, WriteScope scope)
    {
    }

    /// <summary>Seconds a deletion grants, 0 for at once; null: the kind knows no grace.</summary>
    public virtual long? GracePeriod(JsonObject obj, long? asked) => null;

    /// <summary>Called when an object is first marked for deletion.</summary>
    public virtual void PrepareDelete(JsonObject obj)
    {
    }

    /// <summary>Whether something beyond metadata.finalizers keeps a marked object from going.</summary>
    public virtual bool HoldsDeletion(JsonObject obj) => false;
}
