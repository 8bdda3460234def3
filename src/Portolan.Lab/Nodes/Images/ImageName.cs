namespace Portolan.Lab.Nodes.Images;

/// <summary>An image reference, as far as the catalogue tells images apart: repository and tag; a digest is not looked at.</summary>
/// <param name="Repository">With the registry; <c>docker.io/</c> and <c>docker.io/library/</c>, which nobody writes, are left out.</param>
/// <param name="Tag">Null when none is given.</param>
internal readonly record struct ImageName(string Repository, string? Tag)
{
    public static ImageName Parse(string text)
    {
        var withoutDigest = text.Split('@')[0];
        // A colon before the last slash belongs to the registry's port.
        var colon = withoutDigest.IndexOf(':', withoutDigest.LastIndexOf('/') + 1);
        var (repository, tag) = colon < 0 ? (withoutDigest, null) : (withoutDigest[..colon], withoutDigest[(colon + 1)..]);
        foreach (var silent in (string[])["docker.io/", "index.docker.io/", "library/"])
            if (repository.StartsWith(silent, StringComparison.Ordinal))
                repository = repository[silent.Length..];
        return new ImageName(repository, tag);
    }

    /// <summary>The last part of the repository.</summary>
    public string ShortName => Repository[(Repository.LastIndexOf('/') + 1)..];

    /// <summary>An entry without a tag stands for every tag; one without a slash stands for that name in every registry.</summary>
    public bool IsMeantBy(ImageName entry) =>
        (entry.Tag is null || entry.Tag == Tag) && (entry.Repository == Repository || (!entry.Repository.Contains('/') && entry.Repository == ShortName));
}
