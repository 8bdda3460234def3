namespace Portolan.Lab.ApiServer.Auth.Certificates;

/// <summary>Names of the lab's own signers (<c>spec.signerName</c>), and who may use any.</summary>
internal static class Signers
{
    public const string Group = "certificates.k8s.io";
    public const string Storage = "certificatesigningrequests." + Group;

    /// <summary>Client certificates of people and programs.</summary>
    public const string Client = "kubernetes.io/kube-apiserver-client";

    /// <summary>Whether somebody has a verb (<c>approve</c>, <c>sign</c>) on a signer, or on all of its domain.</summary>
    public static bool Allows(Authorizer access, Identity who, string verb, string signer)
    {
        var request = new AccessRequest(who, verb) { Group = Group, Resource = "signers", Name = signer };
        return access.Decide(request).Allowed || access.Decide(request with { Name = $"{signer.Split('/')[0]}/*" }).Allowed;
    }
}
