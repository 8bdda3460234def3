using System.Globalization;

namespace Portolan.Lab.ApiServer.Cel.Types;

/// <summary>Finds out whether a type can stand where another is wanted, and what the open types of the two then are.</summary>
internal sealed class Unifier
{
    private Dictionary<string, CelType> _bound = [];
    private int _fresh;

    /// <summary>A type that is not known yet.</summary>
    public CelType Fresh() => CelType.Parameter(string.Create(CultureInfo.InvariantCulture, $"_var{_fresh++}"));

    /// <summary>Whether values of the type may be given where others are wanted; binds open types only if so.</summary>
    public bool Accepts(CelType wanted, CelType given) => AcceptsAll([wanted], [given]);

    public bool AcceptsAll(IReadOnlyList<CelType> wanted, IReadOnlyList<CelType> given)
    {
        if (wanted.Count != given.Count)
            return false;
        var before = new Dictionary<string, CelType>(_bound);
        for (var i = 0; i < wanted.Count; i++)
        {
            if (Assign(wanted[i], given[i]))
                continue;
            _bound = before;
            return false;
        }

        return true;
    }

    /// <summary>The type with all that is known put in; what stays open is dyn when asked so.</summary>
    public CelType Resolve(CelType type, bool openIsDyn)
    {
        if (type.Kind == CelKind.Parameter)
            return _bound.TryGetValue(type.Name, out var known) ? Resolve(known, openIsDyn) : openIsDyn ? CelType.Dyn : type;
        if (type.Parameters.Count == 0)
            return type;
        var parameters = type.Parameters.Select(parameter => Resolve(parameter, openIsDyn)).ToArray();
        return Rebuild(type, parameters);
    }

    /// <summary>The declaration's parameters replaced by new open types, the same everywhere in the declaration.</summary>
    public CelType Instantiate(CelType type, Dictionary<string, CelType> instances)
    {
        if (type.Kind == CelKind.Parameter)
        {
            if (!instances.TryGetValue(type.Name, out var instance))
                instances[type.Name] = instance = Fresh();
            return instance;
        }

        return type.Parameters.Count == 0 ? type : Rebuild(type, [.. type.Parameters.Select(parameter => Instantiate(parameter, instances))]);
    }

    private static CelType Rebuild(CelType type, CelType[] parameters) => type.Kind switch
    {
        CelKind.List => CelType.List(parameters[0]),
        CelKind.Map => CelType.Map(parameters[0], parameters[1]),
        CelKind.Optional => CelType.Optional(parameters[0]),
        _ => CelType.TypeOf(parameters[0]),
    };

    private bool Assign(CelType wanted, CelType given)
    {
        var open = wanted;
        wanted = Known(wanted);
        given = Known(given);

        // What was an int so far and is now anything is anything.
        if (open.Kind == CelKind.Parameter && given.Kind == CelKind.Dyn)
        {
            while (_bound.TryGetValue(open.Name, out var next) && next.Kind == CelKind.Parameter)
                open = next;
            _bound[open.Name] = CelType.Dyn;
            return true;
        }

        if (ReferenceEquals(wanted, given) || (wanted.Kind == CelKind.Parameter && given.Kind == CelKind.Parameter && wanted.Name == given.Name))
            return true;
        if (wanted.Kind == CelKind.Parameter)
            return Bind(wanted, given);
        if (given.Kind == CelKind.Parameter)
            return Bind(given, wanted);
        if (wanted.Kind == CelKind.Dyn || given.Kind == CelKind.Dyn)
            return true;
        if (given.Kind == CelKind.Null)
            return wanted.Kind is CelKind.Null or CelKind.Object or CelKind.Timestamp or CelKind.Duration or CelKind.Opaque or CelKind.Optional;
        if (wanted.Kind != given.Kind || wanted.Name != given.Name)
            return false;
        for (var i = 0; i < wanted.Parameters.Count; i++)
        {
            if (!Assign(wanted.Parameters[i], given.Parameters[i]))
                return false;
        }

        return true;
    }

    private CelType Known(CelType type)
    {
        while (type.Kind == CelKind.Parameter && _bound.TryGetValue(type.Name, out var known))
            type = known;
        return type;
    }

    private bool Bind(CelType open, CelType type)
    {
        if (Occurs(open, type))
            return false;
        _bound[open.Name] = type;
        return true;
    }

    private bool Occurs(CelType open, CelType within)
    {
        within = Known(within);
        return within.Kind == CelKind.Parameter ? within.Name == open.Name : within.Parameters.Any(parameter => Occurs(open, parameter));
    }
}
