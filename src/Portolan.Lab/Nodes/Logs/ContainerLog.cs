using System.Globalization;
using System.Text;

using Portolan.Lab.Nodes.Containers;

namespace Portolan.Lab.Nodes.Logs;

/// <summary>
/// What one life of a container wrote, in the format of the container runtime interface: <c>2006-01-02T15:04:05.999999999Z stdout F line</c>, with P for a part of a line.
/// When the file is full it becomes the old one, and the one before that is dropped.
/// </summary>
internal sealed class ContainerLog : IDisposable
{
    public const long DefaultCapacity = 10 * 1024 * 1024;
    private const int LongestLine = 16 * 1024;
    private readonly Lock _gate = new();
    private readonly long _capacity;
    private readonly TimeProvider _time;
    private readonly Dictionary<OutputStream, MemoryStream> _partial = new() { [OutputStream.Out] = new(), [OutputStream.Error] = new() };
    private FileStream _file;
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ContainerLog(string path, TimeProvider time, long capacity = DefaultCapacity)
        : this(path, time, capacity, FileMode.Create)
    {
    }

    private ContainerLog(string path, TimeProvider time, long capacity, FileMode mode)
    {
        (Path, _time, _capacity) = (path, time, capacity);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        _file = Open(path, mode);
    }

    /// <summary>The log of a life that ended before this agent began; null when it left none.</summary>
    public static ContainerLog? Find(string path, TimeProvider time)
    {
        if (!File.Exists(path))
            return null;
        var log = new ContainerLog(path, time, DefaultCapacity, FileMode.Append);
        log.End();
        return log;
    }

    /// <summary>Whether it is there or not.</summary>
    public static void Delete(string path)
    {
        var directory = System.IO.Path.GetDirectoryName(path)!;
        if (!Directory.Exists(directory))
            return;
        File.Delete(path);
        File.Delete(path + ".1");
    }

    public string Path { get; }

    /// <summary>The container has ended: nothing more will come.</summary>
    public bool Ended { get; private set; }

    /// <summary>Counts the changes of file.</summary>
    public int Generation { get; private set; }

    /// <summary>The current file from its beginning, and which generation it is.</summary>
    public (FileStream File, int Generation) OpenForReading()
    {
        lock (_gate)
            return (new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1, FileOptions.Asynchronous), Generation);
    }

    /// <summary>Completed when more has been written, or the log has ended, since the call.</summary>
    public Task Changed
    {
        get
        {
            lock (_gate)
                return Ended ? Task.CompletedTask : _next.Task;
        }
    }

    public void Write(OutputChunk chunk)
    {
        lock (_gate)
        {
            if (Ended)
                return;
            var partial = _partial[chunk.Stream];
            var rest = chunk.Bytes.Span;
            while (rest.Length > 0)
            {
                var end = rest.IndexOf((byte)'\n');
                var take = Math.Min(end < 0 ? rest.Length : end, LongestLine - (int)partial.Length);
                partial.Write(rest[..take]);
                rest = rest[take..];
                if (rest.Length > 0 && rest[0] == (byte)'\n')
                {
                    WriteLine(chunk.Stream, 'F');
                    rest = rest[1..];
                }
                else if (partial.Length == LongestLine)
                {
                    WriteLine(chunk.Stream, 'P');
                }
            }
            _file.Flush();
            Wake();
        }
    }

    public void End()
    {
        lock (_gate)
        {
            if (Ended)
                return;
            foreach (var stream in _partial.Where(p => p.Value.Length > 0).Select(p => p.Key).ToList())
                WriteLine(stream, 'F');
            Ended = true;
            _file.Dispose();
            _next.TrySetResult();
        }
    }

    public void Dispose() => End();

    private void WriteLine(OutputStream stream, char tag)
    {
        var partial = _partial[stream];
        if (_file.Length + partial.Length > _capacity && _file.Length > 0)
        {
            _file.Dispose();
            File.Move(Path, Path + ".1", overwrite: true);
            _file = Open(Path, FileMode.Create);
            Generation++;
        }
        var now = _time.GetUtcNow();
        _file.Write(Encoding.ASCII.GetBytes($"{now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff", CultureInfo.InvariantCulture)}00Z {(stream == OutputStream.Out ? "stdout" : "stderr")} {tag} "));
        partial.WriteTo(_file);
        _file.WriteByte((byte)'\n');
        partial.SetLength(0);
    }

    private void Wake()
    {
        _next.TrySetResult();
        _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private static FileStream Open(string path, FileMode mode) => new(path, mode, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, 64 * 1024);
}
