//! What an image would make of the node at its first boot is switched off and told, or the
//! image is refused.

use super::{ImageFile, Input};
use crate::image::kind::Kind;
use crate::node::first_boot::{Machinery, Switch, Switches};
use crate::node::identity::HostKey;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::words::relpath::RelPath;

/// What an image may hold that was built before anybody looked: the most common of it, whose
/// switches do no harm where there is nothing to switch.
const UNSEEN: [Machinery; 2] = [Machinery::CloudInit, Machinery::FirstBoot];

/// What of an image cannot be switched off.
pub(super) fn refusals(kind: Kind, file: &ImageFile) -> Vec<Refusal> {
    let found = machinery(file).into_iter();
    let stuck = found.filter(|found| found.switches().is_empty());
    stuck.map(|found| refusal(kind, file, &found)).collect()
}

fn refusal(kind: Kind, file: &ImageFile, found: &Machinery) -> Refusal {
    Refusal::new(
        RefusalCode::FirstBootUnknown,
        format!(
            "the {kind} image {} holds {found}, which would make another node of this one at its first boot",
            file.manifest.name
        ),
        "use the jumpimg that built the image, or a newer one; or remove it from the golden root and build again",
    )
}

/// Every switch that has to be thrown.
pub(super) fn switches(input: &Input<'_>) -> Switches {
    let of = |file: &ImageFile| -> Vec<Switch> {
        machinery(file)
            .iter()
            .flat_map(Machinery::switches)
            .collect()
    };
    Switches {
        jump: of(input.jump),
        target: of(input.target),
    }
}

/// What is switched off, and how, in words.
pub(super) fn notes(input: &Input<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    for (kind, file) in images(input) {
        let name = &file.manifest.name;
        if file.manifest.first_boot.is_none() {
            notes.push(format!(
                "the {kind} image {name} was built by {}, which did not look for cloud-init and its kind: build it again to have it settled",
                file.manifest.tool
            ));
            continue;
        }
        for found in machinery(file) {
            let switches: Vec<String> = found.switches().iter().map(ToString::to_string).collect();
            notes.push(format!(
                "{found} in the {kind} image {name} would change who this node is, so it is switched off: {}",
                switches.join(", ")
            ));
        }
    }
    notes
}

fn images<'a>(input: &Input<'a>) -> [(Kind, &'a ImageFile); 2] {
    [(Kind::Jump, input.jump), (Kind::Target, input.target)]
}

fn machinery(file: &ImageFile) -> Vec<Machinery> {
    let found = file.manifest.first_boot.clone();
    found.unwrap_or_else(|| UNSEEN.to_vec())
}

/// The host keys by which the new system has to be known.
pub(super) fn host_keys(input: &Input<'_>) -> Vec<HostKey> {
    if carries_host_keys(input) {
        input.facts.host_keys.clone()
    } else {
        Vec::new()
    }
}

/// Whether the job carries the directory of the host keys over.
pub(super) fn carries_host_keys(input: &Input<'_>) -> bool {
    let holds = |path: &RelPath| matches!(path.as_str(), "etc" | "etc/ssh");
    input.job.save.all_paths().iter().any(holds)
}

#[cfg(test)]
mod tests {
    use super::super::Plan;
    use super::super::sample::{Sample, facts, job};
    use super::*;
    use crate::job::Job;
    use crate::node::facts::Facts;
    use crate::step::Step;

    fn planned(
        found: Option<Vec<Machinery>>,
        facts: &Facts,
        job: &Job,
    ) -> Result<Plan, Vec<Refusal>> {
        let mut sample = Sample::of(facts, job);
        sample.target.manifest.first_boot = found;
        sample.planned()
    }

    #[test]
    fn cloud_init_is_switched_off_before_the_hook_and_told() {
        let mut job = job();
        job.hooks.restored = Some("hook".to_owned());
        let plan = planned(Some(vec![Machinery::CloudInit]), &facts(), &job).unwrap();
        assert_eq!(plan.switches.target, Machinery::CloudInit.switches());
        assert!(plan.switches.jump.is_empty());
        let position = |step| plan.steps.replace.iter().position(|one| *one == step);
        assert!(position(Step::RestoreFiles) < position(Step::SwitchOff));
        let hook = |step: &Step| matches!(step, Step::Hook(_));
        let hook = plan.steps.replace.iter().position(hook);
        assert!(position(Step::SwitchOff) < hook);
        let told = |note: &String| note.contains("cloud-init.disabled is there");
        assert!(plan.notes.iter().any(told), "{:?}", plan.notes);
    }

    #[test]
    fn an_image_without_such_machinery_has_no_switches() {
        let plan = planned(Some(Vec::new()), &facts(), &job()).unwrap();
        assert!(!plan.steps.replace.contains(&Step::SwitchOff));
        assert!(!plan.notes.iter().any(|note| note.contains("switched off")));
    }

    #[test]
    fn an_image_of_which_nobody_knows_is_treated_as_if_it_had_cloud_init() {
        let plan = planned(None, &facts(), &job()).unwrap();
        assert!(plan.steps.replace.contains(&Step::SwitchOff));
        assert!(
            plan.switches
                .target
                .starts_with(&Machinery::CloudInit.switches())
        );
        assert!(
            plan.notes
                .iter()
                .any(|note| note.contains("build it again"))
        );
    }

    #[test]
    fn refuses_machinery_that_has_no_switch() {
        let escaping = Machinery::Unit {
            unit: "../../passwd".to_owned(),
        };
        for found in [Machinery::Unknown, escaping] {
            let refusals = planned(Some(vec![found]), &facts(), &job()).unwrap_err();
            let codes: Vec<_> = refusals.iter().map(|refusal| refusal.code).collect();
            assert_eq!(codes, [RefusalCode::FirstBootUnknown]);
        }
    }

    #[test]
    fn the_nodes_host_keys_are_promised_where_they_are_carried_over() {
        let key = HostKey {
            kind: "ssh-ed25519".to_owned(),
            fingerprint: "SHA256:x".to_owned(),
        };
        let mut facts = facts();
        facts.host_keys = vec![key.clone()];
        let mut job = job();
        assert_eq!(planned(None, &facts, &job).unwrap().host_keys, [key]);
        job.save.paths.retain(|path| path.as_str() != "etc/ssh");
        assert_eq!(planned(None, &facts, &job).unwrap().host_keys, []);
    }
}
