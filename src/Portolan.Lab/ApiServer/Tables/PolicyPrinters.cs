using System.Text.Json;

namespace Portolan.Lab.ApiServer.Tables;

/// <summary>Rows of leases, roles, definitions, webhooks, priorities and budgets.</summary>
internal static class PolicyPrinters
{
    public static RowPrinter Lease { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("Holder"), RowPrinter.Age],
        (lease, cells) =>
        {
            cells.Text(lease.Name());
            cells.Text(lease.At("spec", "holderIdentity").Str());
            cells.Age(lease);
        });

    public static RowPrinter RoleBinding { get; } = new(
        [
            RowPrinter.Name, RowPrinter.Column("Role"), RowPrinter.Age, RowPrinter.Wide("Users"), RowPrinter.Wide("Groups"), RowPrinter.Wide("ServiceAccounts"),
        ],
        (binding, cells) =>
        {
            var role = binding.At("roleRef");
            cells.Text(binding.Name());
            cells.Text($"{role.At("kind").Str()}/{role.At("name").Str()}");
            cells.Age(binding);
            cells.Text(Subjects(binding, "User"));
            cells.Text(Subjects(binding, "Group"));
            cells.Text(Subjects(binding, "ServiceAccount"));
        });

    public static RowPrinter Webhooks { get; } = new(
        [RowPrinter.Name, RowPrinter.Number("Webhooks"), RowPrinter.Age],
        (configuration, cells) =>
        {
            cells.Text(configuration.Name());
            cells.Number(configuration.At("webhooks").Count());
            cells.Age(configuration);
        });

    public static RowPrinter AdmissionPolicy { get; } = new(
        [RowPrinter.Name, RowPrinter.Number("Validations"), RowPrinter.Column("ParamKind"), RowPrinter.Age],
        (policy, cells) =>
        {
            var parameters = policy.At("spec", "paramKind");
            cells.Text(policy.Name());
            cells.Number(policy.At("spec", "validations").Count());
            cells.Text(parameters.At("kind").Str() is { Length: > 0 } kind ? $"{parameters.At("apiVersion").Str()}/{kind}" : "<unset>");
            cells.Age(policy);
        });

    public static RowPrinter AdmissionPolicyBinding { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("PolicyName"), RowPrinter.Column("ParamRef"), RowPrinter.Age],
        (binding, cells) =>
        {
            var parameters = binding.At("spec", "paramRef");
            var name = parameters.At("name").Str();
            cells.Text(binding.Name());
            cells.Text(binding.At("spec", "policyName").Str());
            cells.Text(name.Length == 0 ? "<unset>" : parameters.At("namespace").Str() is { Length: > 0 } ns ? $"{ns}/{name}" : $"*/{name}");
            cells.Age(binding);
        });

    public static RowPrinter PriorityClass { get; } = new(
        [RowPrinter.Name, RowPrinter.Number("Value"), new("Global-Default", "boolean"), RowPrinter.Age, RowPrinter.Column("PreemptionPolicy")],
        (priority, cells) =>
        {
            cells.Text(priority.Name());
            cells.Number(priority.At("value").Int());
            cells.Flag(priority.At("globalDefault").IsTrue());
            cells.Age(priority);
            cells.Text(priority.At("preemptionPolicy").Str());
        });

    public static RowPrinter PodDisruptionBudget { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("Min Available"), RowPrinter.Column("Max Unavailable"), RowPrinter.Number("Allowed Disruptions"), RowPrinter.Age],
        (budget, cells) =>
        {
            var spec = budget.At("spec");
            cells.Text(budget.Name());
            cells.Text(OrNotApplicable(spec.At("minAvailable")));
            cells.Text(OrNotApplicable(spec.At("maxUnavailable")));
            cells.Number(budget.At("status", "disruptionsAllowed").Int());
            cells.Age(budget);
        });

    public static RowPrinter ResourceQuota { get; } = new(
        [RowPrinter.Name, RowPrinter.Column("Request"), RowPrinter.Column("Limit"), RowPrinter.Age],
        (quota, cells) =>
        {
            var used = quota.At("status", "used");
            var hard = quota.At("status", "hard").Members().OrderBy(entry => entry.Name, StringComparer.Ordinal)
                .ToLookup(entry => entry.Name.StartsWith("limits", StringComparison.Ordinal), entry => $"{entry.Name}: {used.At(entry.Name).Scalar()}/{entry.Value.Scalar()}");
            cells.Text(quota.Name());
            cells.Text(string.Join(", ", hard[false]));
            cells.Text(string.Join(", ", hard[true]));
            cells.Age(quota);
        });

    private static string Subjects(JsonElement binding, string kind) => string.Join(", ", binding.At("subjects").Items()
        .Where(subject => subject.At("kind").Str() == kind)
        .Select(subject => kind == "ServiceAccount" ? $"{subject.At("namespace").Str()}/{subject.At("name").Str()}" : subject.At("name").Str()));

    private static string OrNotApplicable(JsonElement value) => value.Exists() ? value.Scalar() : "N/A";
}
