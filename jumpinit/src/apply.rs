//! One step, one effect: carries out what the plan says and decides nothing.

use anyhow::Result;
use jumpspec::step::Step;

use crate::context::Context;
use crate::{
    accounts, confirm, finish, grub, health, landing, old, prove, replace, restore, selector,
};

/// Carries out `step`. Doing it again from its start ends the same.
pub(crate) fn apply(step: &Step, cx: &mut Context) -> Result<()> {
    match step {
        Step::HookBefore => old::run_hook(cx),
        Step::SwapOff => landing::swap_off(cx),
        Step::MakeLanding => landing::make_landing(cx),
        Step::Receive {
            image,
            size,
            digest,
        } => old::check_received(cx, *image, *size, digest),
        Step::UnpackJump => old::unpack_jump(cx),
        Step::SaveFiles { paths } => old::save_files(cx, paths),
        Step::ConfigureJump => crate::configure::jump_system(cx),
        Step::WriteSelector => selector::write_selector(cx),
        Step::Arm => selector::arm(cx),

        Step::ProveDisks => prove::disks(cx),
        Step::ProveNetwork => prove::network(cx),
        Step::ProveSshd => prove::sshd(cx),
        Step::ProveImage => prove::image(cx),
        Step::ProveAdmin => prove::admin(cx),
        Step::Commit => selector::commit(cx),

        Step::Repartition => replace::repartition(cx),
        Step::Mkfs {
            number,
            fs,
            uuid,
            label,
        } => replace::mkfs(cx, *number, *fs, uuid, label.as_deref()),
        Step::Extract => replace::extract(cx),
        Step::VerifyRoot => replace::verify(cx),
        Step::RestoreFiles => restore::files(cx),
        Step::MergeAccounts => accounts::merge(cx),
        Step::WriteFstab => restore::fstab(cx),
        Step::WriteNetwork => restore::network(cx),
        Step::SwitchOff => crate::first_boot::switch_off_in_new(cx),
        Step::HookRestored => restore::run_hook(cx),
        Step::CheckSshd => crate::sshd::check(cx),
        Step::InstallFirstBoot => restore::first_boot(cx),
        Step::SettleLoader => crate::loader_settings::settle(cx),
        Step::InstallGrub => grub::install(cx),
        Step::ConfigureGrub => grub::configure(cx),
        Step::LabelRoot { policy } => crate::labels::label_root(cx, policy),
        Step::SealRoot => replace::seal(cx),
        Step::PlaceLoader => grub::place(cx),
        Step::Try => selector::give_tries(cx),

        Step::CheckHealth => health::check(cx),
        Step::CheckAdmin => prove::admin_within(cx, health::time_left(cx)),
        Step::Confirm => selector::confirm(cx),
        Step::CollectLogs => finish::collect_logs(cx),
        Step::RestoreSwap => finish::restore_swap(cx),
        Step::HookFinished => {
            finish::run_hook(cx);
            Ok(())
        }
        Step::Report => confirm::report(cx),
        Step::RemoveTraces => finish::remove_traces(cx),
    }
}

/// Whether the journal is written around `step`: not while the landing partition is
/// still (or again) somebody else's.
pub(crate) fn is_journalled(step: &Step) -> bool {
    !matches!(
        step,
        Step::HookBefore
            | Step::SwapOff
            | Step::RestoreSwap
            | Step::HookFinished
            | Step::Report
            | Step::RemoveTraces
    )
}
