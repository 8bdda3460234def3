using Microsoft.Data.Sqlite;
using Portolan.Core.Cluster;

namespace Portolan.Lab.ApiServer.Storage;

/// <summary>
/// The store on disk: one SQLite table of current objects, the revision counter, and per resource the revision of its last change
/// (so that after a restart a watcher that had seen it may go on, and any other is told to list again).
/// WAL with synchronous=FULL: when <see cref="Write"/> returns, the batch survives a crash of the machine. One thread uses it.
/// </summary>
internal sealed class StoreFile : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _put;
    private readonly SqliteCommand _delete;
    private readonly SqliteCommand _head;
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
            CREATE TABLE IF NOT EXISTS objects (resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
              revision INTEGER NOT NULL, json BLOB NOT NULL, PRIMARY KEY (resource, namespace, name)) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS heads (resource TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 0), revision INTEGER NOT NULL);
            INSERT OR IGNORE INTO counter VALUES (0, 1);
            """);
        _put = Prepare("INSERT OR REPLACE INTO objects VALUES ($resource, $namespace, $name, $revision, $json)", "$resource", "$namespace", "$name", "$revision", "$json");
        _delete = Prepare("DELETE FROM objects WHERE resource=$resource AND namespace=$namespace AND name=$name", "$resource", "$namespace", "$name");
        _head = Prepare("INSERT OR REPLACE INTO heads VALUES ($resource, $revision)", "$resource", "$revision");
        _revision = Prepare("UPDATE counter SET revision=$revision", "$revision");
    }

    public long ReadRevision()
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT revision FROM counter";
        return (long)command.ExecuteScalar()!;
    }

    public IEnumerable<(string Resource, long Revision)> ReadHeads()
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT resource, revision FROM heads";
        using var rows = command.ExecuteReader();
        while (rows.Read()) yield return (rows.GetString(0), rows.GetInt64(1));
    }

    public IEnumerable<StoredObject> ReadObjects()
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT resource, namespace, name, revision, json FROM objects";
        using var rows = command.ExecuteReader();
        while (rows.Read())
            yield return StoredObject.Load(
                string.Intern(rows.GetString(0)), new ObjectKey(string.Intern(rows.GetString(1)), rows.GetString(2)), rows.GetInt64(3), rows.GetFieldValue<byte[]>(4));
    }

    /// <summary>Makes a batch of changes durable, all or nothing.</summary>
    public void Write(IReadOnlyList<WatchEvent> events)
    {
        using var transaction = _connection.BeginTransaction();
        foreach (var e in events)
        {
            var obj = e.New;
            if (e.Deleted) Run(_delete, transaction, obj.Resource, obj.Key.Namespace, obj.Key.Name);
            else Run(_put, transaction, obj.Resource, obj.Key.Namespace, obj.Key.Name, e.Revision, obj.Json);
            Run(_head, transaction, obj.Resource, e.Revision);
        }

        Run(_revision, transaction, events[^1].Revision);
        transaction.Commit();
    }

    public void Dispose()
    {
        _put.Dispose();
        _delete.Dispose();
        _head.Dispose();
        _revision.Dispose();
        _connection.Dispose();
    }

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
#pragma warning disable CA2100 // only this file's constant texts come here
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
