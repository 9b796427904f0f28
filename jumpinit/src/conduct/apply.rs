//! One step, one effect: carries out what the plan says and decides nothing.

use anyhow::Result;
use jumpspec::step::Step;

use crate::boot::{self, new_loader};
use crate::run::context::Context;
use crate::steps::{
    accounts, added, configure, copy, finish, first_boot, health, hook, in_memory, labels, landing,
    loader_settings, made_landing, prove, reachable, replace, report, restore, sshd, stage,
};

/// Carries out `step`. Doing it again from its start ends the same.
pub(crate) fn apply(step: &Step, cx: &mut Context) -> Result<()> {
    match step {
        Step::Hook(hook) => hook::run(cx, hook),
        Step::SwapOff => landing::swap_off(cx),
        Step::AddLanding => made_landing::add(cx),
        Step::MakeLanding => landing::make_landing(cx),
        Step::TakeMemory => in_memory::take(cx),
        Step::Receive {
            image,
            size,
            digest,
        } => stage::check_received(cx, *image, *size, digest),
        Step::UnpackJump => stage::unpack_jump(cx),
        Step::SaveFiles { paths } => stage::save_files(cx, paths),
        Step::SaveAdded => added::save(cx),
        Step::ConfigureJump => configure::jump_system(cx),
        Step::PackJump => in_memory::pack(cx),
        Step::WriteSelector => boot::write_selector(cx),
        Step::Arm => boot::arm(cx),
        Step::LoadJump => in_memory::load(cx),

        // The boots that these are about are ordered by the systems' lives.
        Step::ProveFirmware | Step::FollowOrder => boot::prove(cx),
        Step::FollowEntry => Ok(()),
        Step::ProveDisks => prove::disks(cx),
        Step::ProveNetwork => reachable::network(cx),
        Step::ProveSshd => reachable::sshd(cx),
        Step::AwaitImage {
            image,
            size,
            digest,
        } => in_memory::await_image(cx, *image, *size, digest),
        Step::ProveImage => prove::image(cx),
        Step::ProveCopies { copies } => copy::prove(cx, copies),
        Step::ProveAdmin => reachable::admin(cx),
        Step::TurnOrder => boot::turn_order(cx),
        Step::Commit => boot::commit(cx),

        Step::PlaceFallback => boot::place_fallback(cx),
        Step::Repartition => replace::repartition(cx),
        Step::Mkfs {
            number,
            fs,
            uuid,
            label,
        } => replace::mkfs(cx, *number, *fs, uuid, label.as_deref()),
        Step::Copy(tree) => copy::copy(cx, tree),
        Step::Extract => replace::extract(cx),
        Step::VerifyRoot => replace::verify(cx),
        Step::RestoreFiles => restore::files(cx),
        Step::MergeAccounts => accounts::merge(cx),
        Step::WriteFstab => restore::fstab(cx),
        Step::WriteNetwork => restore::network(cx),
        Step::WriteFiles => restore::rendered(cx),
        Step::SwitchOff => first_boot::switch_off_in_new(cx),
        Step::CheckSshd => sshd::check(cx),
        Step::InstallFirstBoot => restore::first_boot(cx),
        Step::SettleLoader => loader_settings::settle(cx),
        Step::InstallGrub => new_loader::install(cx),
        Step::ConfigureGrub => new_loader::configure(cx),
        Step::LabelRoot { policy } => labels::label_root(cx, policy),
        Step::SealRoot => replace::seal(cx),
        Step::PlaceLoader => new_loader::place(cx),
        Step::Try => boot::give_tries(cx),

        Step::CheckHealth => health::check(cx),
        Step::CheckAdmin => reachable::admin_within(cx, health::time_left(cx)),
        Step::Confirm => boot::confirm(cx),
        Step::CollectLogs => finish::collect_logs(cx),
        Step::ReturnLanding => finish::return_landing(cx),
        Step::Report => report::leave(cx),
        Step::RemoveTraces => finish::remove_traces(cx),
    }
}
