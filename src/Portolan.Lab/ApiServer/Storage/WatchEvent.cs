namespace Portolan.Lab.ApiServer.Storage;

/// <summary>One committed change of one object.</summary>
/// <param name="Revision">When: revisions of events only grow.</param>
/// <param name="Old">What was there before, null for a creation.</param>
/// <param name="New">What is there now; for a deletion the last state, carrying the deletion's revision.</param>
/// <param name="Deleted">Whether the object is gone.</param>
internal readonly record struct WatchEvent(long Revision, StoredObject? Old, StoredObject New, bool Deleted)
{
    /// <summary>The bytes that live only because the history keeps this event.</summary>
    public int HeldBytes => (Old?.Json.Length ?? 0) + (Deleted ? New.Json.Length : 0);
}

/// <summary>What a watcher's queue carries: an event, or the news that everything up to a revision has been sent.</summary>
/// <param name="Event">Meaningless for a bookmark.</param>
/// <param name="Bookmark">The revision, 0 for an event.</param>
internal readonly record struct WatchItem(WatchEvent Event, long Bookmark);
