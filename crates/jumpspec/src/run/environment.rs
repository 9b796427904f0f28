//! The environment that a hook is given: what it is told of the node, the run and the disk.
//! `docs/job.md` has the table of it; what stands there is not changed.

use std::collections::BTreeSet;

use crate::hook::Hook;
use crate::job::Joint;
use crate::job::variables::PREFIX;
use crate::plan::Plan;
use crate::step::Stage;

/// What a hook is told that its plan does not say.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// How often this hook was begun in this run, this time included.
    pub attempt: u32,
    /// The planned disk's device, as it is called now.
    pub disk: &'a str,
    /// What a partition of that disk is called now.
    pub partition: &'a dyn Fn(u32) -> String,
    /// What the landing partition is called now.
    pub landing: &'a str,
    /// Where it may write what is to be saved besides.
    pub added: Option<&'a str>,
    /// A directory whose files end up with the logs of the run.
    pub log: Option<&'a str>,
}

/// The variables of `hook`, besides those that every program has.
pub fn environment(plan: &Plan, hook: &Hook, moment: &Moment<'_>) -> Vec<(String, String)> {
    let mut variables: Vec<(String, String)> = plan.variables.clone().into_iter().collect();
    let mut set = |name: &str, value: &str| {
        variables.push((format!("{PREFIX}{name}"), value.to_owned()));
    };
    set("NODE", &plan.hostname);
    set("HOST", &plan.host);
    set("RUN", &plan.run);
    set("JOINT", hook.at.name());
    set("STAGE", stage(hook.at).name());
    set("HOOK", &hook.name);
    set("TRY", &moment.attempt.to_string());
    set("TIMEOUT", &hook.timeout.0.as_secs().to_string());
    set("REHEARSAL", if plan.rehearsal { "1" } else { "0" });
    if matches!(
        hook.at,
        Joint::Restored | Joint::Firstboot | Joint::Finished
    ) {
        set("NEW_ROOT", "/");
    }
    for (name, value) in [("SAVED", moment.added), ("LOG", moment.log)] {
        if let Some(value) = value {
            set(name, value);
        }
    }
    variables.extend(of_disk(plan, moment));
    variables
}

/// The stage that a run is in at a joint.
fn stage(joint: Joint) -> Stage {
    match joint {
        Joint::Prep | Joint::Saved => Stage::Stage,
        Joint::Committed | Joint::Restored => Stage::Replace,
        Joint::Firstboot => Stage::Try,
        Joint::Finished => Stage::Finish,
    }
}

/// The disk and its partitions, by what they are for and by their numbers: those that there were and
/// those that there will be.
fn of_disk(plan: &Plan, moment: &Moment<'_>) -> Vec<(String, String)> {
    let variable = |name: String, value: String| (format!("{PREFIX}{name}"), value);
    let mut variables = vec![variable("DISK".to_owned(), moment.disk.to_owned())];
    let landing = moment.landing.to_owned();
    variables.push(variable("LANDING_DEVICE".to_owned(), landing));
    for filesystem in &plan.filesystems {
        let (number, device) = (filesystem.number, (moment.partition)(filesystem.number));
        match filesystem.mount.as_str() {
            "/" => variables.push(variable("ROOT_DEVICE".to_owned(), device)),
            "/boot" => variables.push(variable("BOOT_DEVICE".to_owned(), device)),
            _ => {}
        }
        variables.push(variable(
            format!("MOUNT_{number}"),
            filesystem.mount.clone(),
        ));
        variables.push(variable(format!("FS_{number}"), filesystem.fs.clone()));
    }
    let before = plan.disk.before.iter().map(|it| it.number);
    let after = plan.disk.after.iter().map(|it| it.number);
    let numbers: BTreeSet<u32> = before.chain(after).collect();
    let all: Vec<String> = numbers.iter().map(u32::to_string).collect();
    variables.push(variable("PARTITIONS".to_owned(), all.join(" ")));
    variables.extend(numbers.into_iter().map(|number| {
        let device = (moment.partition)(number);
        variable(format!("PARTITION_{number}"), device)
    }));
    variables
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::planner::sample::{Sample, facts, job};

    fn of(joint: Joint) -> BTreeMap<String, String> {
        let mut job = job();
        job.variables
            .insert("LICENCE_SERVER".to_owned(), "lic01".to_owned());
        job.hooks.before = Some("drain".to_owned());
        job.hooks.restored = Some("site".to_owned());
        let plan = Sample::of(&facts(), &job).planned().unwrap();
        let hook = plan.steps.hooks().find(|hook| hook.at == joint).unwrap();
        let moment = Moment {
            attempt: 2,
            disk: "/dev/sdb",
            partition: &|number| format!("/dev/sdb{number}"),
            landing: "/dev/sdb2",
            added: None,
            log: Some("/var/log/jump"),
        };
        environment(&plan, hook, &moment).into_iter().collect()
    }

    #[test]
    fn a_hook_is_told_of_the_node_the_run_and_the_disk_as_it_is_called_now() {
        let told = of(Joint::Restored).into_iter();
        let told: Vec<_> = told
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        insta::assert_snapshot!(told.join("\n"));
        assert!(!of(Joint::Prep).contains_key("JUMP_NEW_ROOT"));
    }

    #[test]
    fn every_variable_is_in_the_manual() {
        let manual = include_str!("../../../../docs/job.md");
        for name in of(Joint::Restored)
            .into_keys()
            .filter(|name| name.starts_with(PREFIX))
        {
            let number = name
                .rfind('_')
                .filter(|at| name[at + 1..].parse::<u32>().is_ok());
            let name = number.map_or(name.clone(), |at| format!("{}_4", &name[..at]));
            assert!(manual.contains(&format!("`{name}`")), "{name}");
        }
    }
}
