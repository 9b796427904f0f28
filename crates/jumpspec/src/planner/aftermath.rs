//! What the new system needs after its first boot: labels of SELinux, and what its next upgrade
//! goes by. Whoever finds a mistake there finds it when the way back is gone.

use super::Input;
use crate::image::loader::NewGrub;
use crate::node::selinux::Mode;
use crate::plan::{PlannedFilesystem, PlannedLanding, PlannedLoader};
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::step::Step;

/// The policy by which the new root is labelled, if there is one.
pub(super) fn policy(input: &Input<'_>) -> Result<Option<String>, Refusal> {
    let Some(selinux) = &input.target.manifest.selinux else {
        return Ok(None);
    };
    if selinux.mode == Mode::Enforcing && !selinux.labels {
        return Err(Refusal::new(
            RefusalCode::SelinuxUnlabelled,
            format!(
                "the target image {} enforces SELinux ({}) and cannot label what is restored: its programs could not read it",
                input.target.manifest.name, selinux.policy
            ),
            "install policycoreutils and the policy in the golden root (setfiles, file_contexts), or write SELINUX=permissive to its /etc/selinux/config, and build again",
        ));
    }
    let labels = selinux.labels && selinux.mode != Mode::Disabled;
    Ok(labels.then(|| selinux.policy.clone()))
}

/// Puts the labelling behind all that writes to the new root.
pub(super) fn label(replace: &mut Vec<Step>, policy: Option<String>) {
    let seal = replace.iter().position(|step| *step == Step::SealRoot);
    if let (Some(seal), Some(policy)) = (seal, policy) {
        replace.insert(seal, Step::LabelRoot { policy });
    }
}

/// What to say of labels.
pub(super) fn label_notes(input: &Input<'_>, filesystems: &[PlannedFilesystem]) -> Vec<String> {
    let selinux = input.target.manifest.selinux.as_ref();
    let Some(selinux) = selinux.filter(|selinux| selinux.mode != Mode::Disabled) else {
        return Vec::new();
    };
    let mut notes = Vec::new();
    if !selinux.labels {
        notes.push(
            "SELinux: what is restored gets no labels, for the image has no setfiles or no policy; \
             label the system before it enforces"
                .to_owned(),
        );
    }
    let kept = filesystems.iter().filter(|filesystem| filesystem.kept);
    notes.extend(kept.map(|PlannedFilesystem { mount, .. }| {
        format!(
            "SELinux: files of {mount}, which is kept, have the labels that they had or none; in \
             the new system `restorecon -R {mount}` gives them its own"
        )
    }));
    notes
}

/// What the new system's loader is told for good.
pub(super) fn loader(input: &Input<'_>, landing: &PlannedLanding, grub: NewGrub) -> PlannedLoader {
    let resume = landing.swap().map(|swap| format!("UUID={}", swap.uuid));
    let resume_argument = match &resume {
        Some(swap) => format!("resume={swap}"),
        None => "noresume".to_owned(),
    };
    let consoles = input.facts.kernel_arguments.iter();
    let consoles = consoles.filter(|argument| argument.starts_with("console="));
    PlannedLoader {
        grub,
        arguments: consoles
            .cloned()
            .chain([resume_argument])
            .filter(|argument| is_plain(argument))
            .collect(),
        resume: Some(resume.unwrap_or_else(|| "none".to_owned())),
        debconf: input.target.manifest.grub_pc,
    }
}

/// Whether a shell takes an argument, between double quotes, as it is. A node's words end in a
/// file that grub-mkconfig reads as a script.
fn is_plain(argument: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "=,.:_-/@+".contains(c);
    argument.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::selinux::Selinux;
    use crate::plan::Plan;
    use crate::planner::sample::{Sample, facts, job, planned};

    /// The plan of an image with SELinux.
    fn with_selinux(mode: Mode, labels: bool) -> Result<Plan, Vec<Refusal>> {
        let mut sample = Sample::of(&facts(), &job());
        sample.target.manifest.selinux = Some(Selinux {
            mode,
            policy: "default".to_owned(),
            labels,
        });
        sample.planned()
    }

    #[test]
    fn a_root_with_selinux_is_labelled_when_all_else_is_written() {
        for mode in [Mode::Enforcing, Mode::Permissive] {
            let plan = with_selinux(mode, true).unwrap();
            let steps = &plan.steps.replace;
            let at = steps
                .iter()
                .position(|step| matches!(step, Step::LabelRoot { policy } if policy == "default"));
            assert_eq!(steps[at.unwrap() + 1], Step::SealRoot);
            assert!(
                plan.notes
                    .iter()
                    .any(|note| note.contains("restorecon -R /data"))
            );
        }
    }

    #[test]
    fn an_image_that_enforces_and_cannot_label_is_refused() {
        let refusals = with_selinux(Mode::Enforcing, false).unwrap_err();
        assert_eq!(refusals[0].code, RefusalCode::SelinuxUnlabelled);
        let plan = with_selinux(Mode::Permissive, false).unwrap();
        assert!(
            plan.notes
                .iter()
                .any(|note| note.contains("gets no labels"))
        );
        let plan = with_selinux(Mode::Disabled, false).unwrap();
        assert!(!plan.notes.iter().any(|note| note.contains("SELinux")));
    }

    #[test]
    fn the_new_kernel_resumes_from_this_nodes_swap_and_speaks_on_its_console() {
        let plan = planned(&facts(), &job()).unwrap();
        let swap = plan.landing.swap().unwrap().uuid.clone();
        let wanted = [
            "console=tty0".to_owned(),
            "console=ttyS0,115200".to_owned(),
            format!("resume=UUID={swap}"),
        ];
        assert_eq!(plan.loader.arguments, wanted);
        assert_eq!(plan.loader.resume.unwrap(), format!("UUID={swap}"));
    }

    #[test]
    fn a_nodes_words_never_become_a_script() {
        let mut facts = facts();
        facts.kernel_arguments = vec!["console=\"$(reboot)\"".to_owned()];
        let plan = planned(&facts, &job()).unwrap();
        assert_eq!(plan.loader.arguments.len(), 1, "{:?}", plan.loader);
    }
}
