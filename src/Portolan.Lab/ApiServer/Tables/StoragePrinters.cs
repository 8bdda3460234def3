using System.Text.Json;

namespace Portolan.Lab.ApiServer.Tables;

/// <summary>Rows of volumes and claims.</summary>
internal static class StoragePrinters
{
    public static RowPrinter PersistentVolume { get; } = new(
        [
            RowPrinter.Name, RowPrinter.Column("Capacity"), RowPrinter.Column("Access Modes"), RowPrinter.Column("Reclaim Policy"), RowPrinter.Column("Status"),
            RowPrinter.Column("Claim"), RowPrinter.Column("StorageClass"), RowPrinter.Column("VolumeAttributesClass"), RowPrinter.Column("Reason"), RowPrinter.Age,
            RowPrinter.Wide("VolumeMode"),
        ],
        (volume, cells) =>
        {
            var spec = volume.At("spec");
            var claim = spec.At("claimRef");
            cells.Text(volume.Name());
            cells.Text(spec.At("capacity", "storage").Scalar());
            cells.Text(AccessModes(spec.At("accessModes")));
            cells.Text(spec.At("persistentVolumeReclaimPolicy").Str());
            cells.Text(Phase(volume));
            cells.Text(claim.Exists() ? $"{claim.At("namespace").Str()}/{claim.At("name").Str()}" : "");
            cells.Text(spec.At("storageClassName").Str());
            cells.Text(Unset(spec.At("volumeAttributesClassName")));
            cells.Text(volume.At("status", "reason").Str());
            cells.Age(volume);
            cells.Text(Unset(spec.At("volumeMode")));
        });

    public static RowPrinter PersistentVolumeClaim { get; } = new(
        [
            RowPrinter.Name, RowPrinter.Column("Status"), RowPrinter.Column("Volume"), RowPrinter.Column("Capacity"), RowPrinter.Column("Access Modes"),
            RowPrinter.Column("StorageClass"), RowPrinter.Column("VolumeAttributesClass"), RowPrinter.Age, RowPrinter.Wide("VolumeMode"),
        ],
        (claim, cells) =>
        {
            var spec = claim.At("spec");
            var bound = spec.At("volumeName").Str().Length > 0;
            cells.Text(claim.Name());
            cells.Text(Phase(claim));
            cells.Text(spec.At("volumeName").Str());
            cells.Text(bound ? claim.At("status", "capacity", "storage").Scalar() : "");
            cells.Text(bound ? AccessModes(claim.At("status", "accessModes")) : "");
            cells.Text(spec.At("storageClassName").Str());
            cells.Text(Unset(spec.At("volumeAttributesClassName")));
            cells.Age(claim);
            cells.Text(Unset(spec.At("volumeMode")));
        });

    private static string Phase(JsonElement obj) => obj.At("metadata", "deletionTimestamp").Exists() ? "Terminating" : obj.At("status", "phase").Str();

    private static string Unset(JsonElement value) => value.Exists() ? value.Str() : "<unset>";

    private static string AccessModes(JsonElement modes)
    {
        var given = modes.Items().Select(mode => mode.Str()).ToHashSet();
        (string Mode, string Short)[] all = [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
        return string.Join(',', all.Where(entry => given.Contains(entry.Mode)).Select(entry => entry.Short));
    }
}
