//! The jump system proves itself before anything is destroyed: disks, network, sshd, the
//! staged image. Only looks.

use anyhow::{Result, ensure};
use jumpspec::disk::{FoundPartition, Partition};
use jumpspec::places;
use jumpspec::run::failure::Code;
use jumpspec::run::task::StepId;
use jumpspec::step::ImageRole;

use crate::node::cause::Cause;
use crate::node::disk;
use crate::run::context::Context;
use crate::steps::in_memory;

/// The disks have the partitions that the plan was made for, and we run from the landing one, if there is
/// one.
pub(crate) fn disks(cx: &mut Context) -> Result<()> {
    for wanted in cx.plan.disks() {
        let disk = disk::read(&disk::find(wanted)?)?;
        ensure!(
            unchanged(&disk.partitions) == unchanged(wanted.before),
            "the partitions of {} are not those that the plan was made for",
            disk.device
        );
    }
    if cx.plan.landing.is_volatile() {
        return Ok(());
    }
    let landing = cx.landing_device();
    let landing_uuid = jumpsys::disk::superblock::probe(&landing)?.and_then(|found| found.uuid);
    ensure!(
        landing_uuid.as_deref() == Some(cx.plan.landing.fs_uuid.as_str()),
        "{} does not hold this run's landing file system",
        landing.display()
    );
    ensure!(
        cx.plan.landing.is_in_memory() || jumpsys::files::mount::lies_on(&cx.landing, &landing)?,
        "the jump system does not run from {}, the landing partition",
        landing.display()
    );
    if cx.plan.landing.is_in_memory() {
        in_memory::prove(cx)?;
    }
    Ok(())
}

fn unchanged(partitions: &[FoundPartition]) -> Vec<Partition> {
    partitions.iter().map(FoundPartition::unchanged).collect()
}

/// The staged image is whole.
pub(crate) fn image(cx: &mut Context) -> Result<()> {
    let path = cx
        .on_landing(places::IMAGES)
        .join(ImageRole::Target.file_name());
    let found = crate::hand::hash::file(&path, &mut cx.reporter, &StepId::ProveImage.into())?;
    let planned = cx.plan.images.target.digest;
    ensure!(
        found == planned,
        Cause::new(
            Code::ImageDamaged,
            format!("{} has digest {found}, not {planned}", path.display())
        )
    );
    Ok(())
}
