//! What a plan comes to, without what makes its node itself.

use serde_json::json;

use crate::node::facts::Facts;
use crate::plan::Plan;
use crate::words::digest::Digest;

/// The shape of a plan: nodes with the same one have the same happen to the same disk. Identities,
/// addresses and names are not part of it.
pub fn shape(plan: &Plan, facts: &Facts) -> Digest {
    let disk = &plan.disk;
    let before = disk.before.iter().map(|it| {
        let content = it.content.as_ref().map(|content| &content.kind);
        json!([it.number, it.start, it.sectors, content])
    });
    let after = disk
        .after
        .iter()
        .map(|it| json!([it.number, it.start, it.sectors]));
    let filesystems = plan.filesystems.iter();
    let filesystems = filesystems.map(|it| json!([it.number, it.mount, it.fs, it.kept]));
    let shape = json!({
        "old": facts.os.pretty_name,
        "images": [plan.images.jump.digest, plan.images.target.digest],
        "rehearsal": plan.rehearsal,
        "disk": [json!(disk.device), json!(disk.sectors), json!(disk.table), json!(disk.rewrite)],
        "before": before.collect::<Vec<_>>(),
        "after": after.collect::<Vec<_>>(),
        "landing": [json!(plan.landing.device), json!(plan.landing.number)],
        "in_memory": plan.landing.is_in_memory(),
        "made": plan.landing.is_made(),
        "uefi": plan.boot.uefi().is_some(),
        "filesystems": filesystems.collect::<Vec<_>>(),
        "kernel": plan.jump.kernel.release,
        "not_promised": plan.not_promised,
    });
    Digest::of(shape.to_string().as_bytes())
}
