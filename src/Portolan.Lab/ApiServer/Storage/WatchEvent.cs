namespace Portolan.Lab.ApiServer.Storage;

/// <summary>One committed change of one object.</summary>
/// <param name="Revision">When: revisions of events only grow.</param>
/// <param name="Old">What was there before, null for a creation.</param>
/// <param name="New">What is there now; for a deletion the last state, carrying the deletion's revision.</param>
/// <param name="Deleted">Whether the object is gone.</param>
internal readonly record struct WatchEvent(long Revision, StoredObject? Old, StoredObject New, bool Deleted);
