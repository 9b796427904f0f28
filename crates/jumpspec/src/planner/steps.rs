//! Which steps a plan has, and in which order.

use super::{ImageFile, Input, copies, first_boot, hooks, ssh, uefi};
use crate::job::Joint;
use crate::node::facts::Firmware;
use crate::node::remote::MountPoints;
use crate::plan::{LandingKind, PlannedLanding, Steps};
use crate::step::{ImageRole, Step};

/// What the accounts are merged from.
pub(super) const ACCOUNT_FILES: [&str; 6] = [
    "etc/passwd",
    "etc/shadow",
    "etc/group",
    "etc/gshadow",
    "etc/subuid",
    "etc/subgid",
];

/// What makes the place that the jump system is unpacked to.
fn landing_steps(landing: &PlannedLanding) -> Vec<Step> {
    match landing.kind {
        LandingKind::Lent { .. } => vec![Step::SwapOff, Step::MakeLanding],
        LandingKind::Made => vec![Step::AddLanding, Step::MakeLanding],
        LandingKind::InMemory { .. } | LandingKind::Volatile => vec![Step::TakeMemory],
    }
}

/// The steps of a job on this node.
pub(super) fn steps(input: &Input<'_>, copies: &copies::Copies, landing: &PlannedLanding) -> Steps {
    let receive = |image: ImageRole, file: &ImageFile| Step::Receive {
        image,
        size: file.size,
        digest: file.digest,
    };
    let mut paths = input.job.save.all_paths();
    let points = MountPoints::of(input.facts);
    paths.retain(|path| points.remote(&path.absolute()).is_none());
    if input.job.save.accounts {
        paths.extend(ACCOUNT_FILES.iter().filter_map(|path| path.parse().ok()));
    }
    let mut old = hooks::steps(input, Joint::Prep);
    old.extend(landing_steps(landing));
    old.extend([receive(ImageRole::Jump, input.jump), Step::UnpackJump]);
    let staged = receive(ImageRole::Target, input.target);
    old.extend((!landing.is_in_memory()).then_some(staged));
    old.push(Step::SaveFiles { paths });
    old.extend(hooks::saved(input));
    old.push(Step::ConfigureJump);
    old.extend(landing.is_in_memory().then_some(Step::PackJump));
    old.extend([Step::WriteSelector, Step::Arm]);
    let is_uefi = input.facts.firmware == Firmware::Uefi;
    let mut prove = Vec::from_iter(is_uefi.then_some(Step::ProveFirmware));
    prove.extend([Step::ProveDisks, Step::ProveNetwork, Step::ProveSshd]);
    prove.extend((!landing.is_in_memory()).then_some(Step::ProveImage));
    prove.extend(copies.prove());
    prove.extend(input.job.prove.admin_login.then_some(Step::ProveAdmin));
    let order = is_uefi.then(|| uefi::order_step(input));
    prove.extend(order.clone().filter(|step| *step == Step::FollowOrder));
    // In memory it is gone with the boot, so it comes when there is no other before the commit.
    let awaited = landing.is_in_memory().then_some(Step::AwaitImage {
        image: ImageRole::Target,
        size: input.target.size,
        digest: input.target.digest,
    });
    prove.extend(awaited.clone());
    prove.extend(order.filter(|step| input.rehearsal.is_none() && *step == Step::TurnOrder));
    if input.rehearsal.is_some() {
        return Steps {
            old,
            prove,
            replace: Vec::new(),
            new: Vec::new(),
        };
    }
    prove.push(Step::Commit);
    let mut replace = Vec::from_iter(is_uefi.then_some(Step::PlaceFallback));
    replace.extend(hooks::steps(input, Joint::Committed));
    replace.extend(copies.order.iter().cloned());
    // A power cut may have taken it.
    replace.extend(awaited);
    replace.extend([Step::Extract, Step::VerifyRoot, Step::RestoreFiles]);
    replace.extend(input.job.save.accounts.then_some(Step::MergeAccounts));
    replace.push(Step::WriteFstab);
    replace.extend(input.job.save.network.then_some(Step::WriteNetwork));
    replace.extend((!input.job.template.is_empty()).then_some(Step::WriteFiles));
    let switches = first_boot::switches(input);
    replace.extend((!switches.target.is_empty()).then_some(Step::SwitchOff));
    replace.extend(hooks::steps(input, Joint::Restored));
    replace.extend(ssh::carries_keys(input).then_some(Step::CheckSshd));
    replace.extend([
        Step::InstallFirstBoot,
        Step::SettleLoader,
        Step::InstallGrub,
        Step::ConfigureGrub,
        Step::SealRoot,
        Step::PlaceLoader,
        Step::Try,
    ]);
    let mut new = hooks::steps(input, Joint::Firstboot);
    new.push(Step::CheckHealth);
    new.extend(input.job.health.admin_login.then_some(Step::CheckAdmin));
    new.push(Step::Confirm);
    new.extend(is_uefi.then_some(Step::FollowEntry));
    new.extend([Step::CollectLogs, Step::ReturnLanding]);
    new.extend(hooks::steps(input, Joint::Finished));
    new.extend([Step::Report, Step::RemoveTraces]);
    Steps {
        old,
        prove,
        replace,
        new,
    }
}
