using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Admission;

/// <summary>The webhooks in force, in the order they are asked: configurations by name, webhooks as they stand in each. A write that was answered is in force.</summary>
internal sealed class WebhookRegistry
{
    private const string MutatingConfigurations = "mutatingwebhookconfigurations.admissionregistration.k8s.io";
    private const string ValidatingConfigurations = "validatingwebhookconfigurations.admissionregistration.k8s.io";

    private volatile Webhook[] _mutating;
    private volatile Webhook[] _validating;

    public WebhookRegistry(ObjectStore store)
    {
        _mutating = Read(store, MutatingConfigurations);
        _validating = Read(store, ValidatingConfigurations);
        store.Committed += e =>
        {
            if (e.New.Resource == MutatingConfigurations) _mutating = Read(store, MutatingConfigurations);
            else if (e.New.Resource == ValidatingConfigurations) _validating = Read(store, ValidatingConfigurations);
        };
    }

    public IReadOnlyList<Webhook> Mutating => _mutating;

    public IReadOnlyList<Webhook> Validating => _validating;

    private static Webhook[] Read(ObjectStore store, string configurations) =>
        [.. store.List(configurations, null).Objects.SelectMany(c => StoredForm.Parse(c).Items("webhooks", "")).Select(w => new Webhook(w.Item))];
}
