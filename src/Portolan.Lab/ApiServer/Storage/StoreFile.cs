using Microsoft.Data.Sqlite;
using Portolan.Core.Cluster;

namespace Portolan.Lab.ApiServer.Storage;

/// <summary>
/// The store on disk: every state an object has had, each once and under its revision, as far back as the history reaches; how far that is, for each
/// resource; and the revision counter. The newest state of an object that is not a deletion is the object: there is no second copy to agree with.
/// WAL with synchronous=FULL: when <see cref="Write"/> returns, the batch survives a crash of the machine. One thread uses it.
/// </summary>
internal sealed class StoreFile : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _put;
    private readonly SqliteCommand _drop;
    private readonly SqliteCommand _compacted;
    private readonly SqliteCommand _revision;

    public StoreFile(string path)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        Execute("PRAGMA journal_mode=WAL");
        Execute("PRAGMA synchronous=FULL");
        // One process owns the store. A second one must fail at once instead of handing out the same revisions.
        Execute("PRAGMA locking_mode=EXCLUSIVE");
        Execute("""
            CREATE TABLE IF NOT EXISTS states (revision INTEGER PRIMARY KEY, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
              deleted INTEGER NOT NULL, json BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS compacted (resource TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 0), revision INTEGER NOT NULL);
            INSERT OR IGNORE INTO counter VALUES (0, 1);
            """);
        TakeOverOlderForm();
        _put = Prepare("INSERT INTO states VALUES ($revision, $resource, $namespace, $name, $deleted, $json)", "$revision", "$resource", "$namespace", "$name", "$deleted", "$json");
        _drop = Prepare("DELETE FROM states WHERE revision=$revision", "$revision");
        _compacted = Prepare("INSERT OR REPLACE INTO compacted VALUES ($resource, $revision)", "$resource", "$revision");
        _revision = Prepare("UPDATE counter SET revision=$revision", "$revision");
    }

    public long ReadRevision() => (long)Scalar("SELECT revision FROM counter")!;

    /// <summary>For each resource, the revision of its last event that is no longer kept.</summary>
    public IEnumerable<(string Resource, long Revision)> ReadCompactions()
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT resource, revision FROM compacted";
        using var rows = command.ExecuteReader();
        while (rows.Read()) yield return (rows.GetString(0), rows.GetInt64(1));
    }

    /// <summary>All states in the order of their revisions.</summary>
    public IEnumerable<(StoredObject Object, bool Deleted)> ReadStates()
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT revision, resource, namespace, name, deleted, json FROM states ORDER BY revision";
        using var rows = command.ExecuteReader();
        while (rows.Read())
            yield return (
                StoredObject.Load(
                    string.Intern(rows.GetString(1)), new ObjectKey(string.Intern(rows.GetString(2)), rows.GetString(3)), rows.GetInt64(0), rows.GetFieldValue<byte[]>(5)),
                rows.GetInt64(4) != 0);
    }

    /// <summary>Makes a batch of changes durable and forgets events, all or nothing.</summary>
    /// <param name="events">The changes, at least one.</param>
    /// <param name="dropped">Events that leave the history; they may be among the changes.</param>
    public void Write(IReadOnlyList<WatchEvent> events, IReadOnlyList<WatchEvent> dropped)
    {
        using var transaction = _connection.BeginTransaction();
        foreach (var e in events)
        {
            var obj = e.New;
            Run(_put, transaction, e.Revision, obj.Resource, obj.Key.Namespace, obj.Key.Name, e.Deleted ? 1L : 0L, obj.Json);
        }

        var compacted = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var e in dropped)
        {
            if (e.Old is { } old) Run(_drop, transaction, old.Revision);
            if (e.Deleted) Run(_drop, transaction, e.Revision);
            compacted[e.New.Resource] = e.Revision;
        }

        foreach (var (resource, revision) in compacted) Run(_compacted, transaction, resource, revision);
        Run(_revision, transaction, events[^1].Revision);
        transaction.Commit();
    }

    public void Dispose()
    {
        _put.Dispose();
        _drop.Dispose();
        _compacted.Dispose();
        _revision.Dispose();
        _connection.Dispose();
    }

    // Before there was a history, the store had the present objects, and for each resource the revision of its last change.
    private void TakeOverOlderForm()
    {
        if (Scalar("SELECT 1 FROM sqlite_master WHERE type='table' AND name='objects'") is null) return;
        Execute("""
            BEGIN;
            INSERT INTO states SELECT revision, resource, namespace, name, 0, json FROM objects;
            INSERT INTO compacted SELECT resource, revision FROM heads;
            DROP TABLE objects;
            DROP TABLE heads;
            COMMIT;
            """);
    }

    private object? Scalar(string sql)
    {
        using var command = _connection.CreateCommand();
#pragma warning disable CA2100 // only this file's constant texts come here
        command.CommandText = sql;
#pragma warning restore CA2100
        return command.ExecuteScalar();
    }

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
#pragma warning disable CA2100
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private SqliteCommand Prepare(string sql, params ReadOnlySpan<string> parameters)
    {
        var command = _connection.CreateCommand();
#pragma warning disable CA2100
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var name in parameters)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.Value = 0L;
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private static void Run(SqliteCommand command, SqliteTransaction transaction, params ReadOnlySpan<object> values)
    {
        command.Transaction = transaction;
        for (var i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i];
        command.ExecuteNonQuery();
    }
}
