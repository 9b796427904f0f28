//! The files that are made of templates: rendered here, so that nothing is left to be found wrong once the
//! old system is gone.

use std::collections::BTreeMap;

use super::refusal::{Refusal, RefusalCode};
use super::steps::ACCOUNT_FILES;
use super::{Input, variables};
use crate::job::variables::{HOST, NODE, PERCENT, RUN};
use crate::job::{LARGEST_TEMPLATE, MOST_TEMPLATES, TemplateWish};
use crate::nextrel::{Piece, Text};
use crate::node::first_boot::Switch;
use crate::node::fstab;
use crate::places;
use crate::plan::{Plan, RenderedFile};
use crate::words::relpath::RelPath;

/// What steps write whatever the node and the image are, and what is nobody's to write: directories with all
/// below them, and files.
const WRITTEN: [&str; 17] = [
    "dev",
    "proc",
    "run",
    "sys",
    "tmp",
    "etc/fstab",
    "etc/hostname",
    "etc/ssh",
    "var/log/jump",
    places::NEW_LIB,
    places::NEW_UNIT,
    places::NEW_WANTS,
    places::NEW_DEADLINE_UNIT,
    places::NEW_DEADLINE_WANTS,
    places::NEW_MANAGER,
    places::NEW_GRUB_SETTINGS,
    places::NEW_RESUME,
];

/// The files, or what stands against their templates by themselves.
pub(super) fn rendered(input: &Input<'_>) -> Result<Vec<RenderedFile>, Vec<Refusal>> {
    let wishes = &input.job.template;
    if wishes.len() > MOST_TEMPLATES {
        let message = format!(
            "the job has {} templates; {MOST_TEMPLATES} are the most",
            wishes.len()
        );
        return Err(vec![impossible(
            message,
            "put the rest into the image, or let a hook write it",
        )]);
    }
    let values = Values::of(input);
    let (mut files, mut refusals) = (Vec::new(), Vec::new());
    for (wish, text) in wishes.iter().zip(input.templates) {
        match values.render(wish, text) {
            Ok(text) => files.push(RenderedFile {
                path: wish.to.clone(),
                mode: wish.mode.0,
                text,
            }),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if refusals.is_empty() {
        Ok(files)
    } else {
        Err(refusals)
    }
}

/// What stands in the way of the files in the new system.
pub(super) fn refusals(input: &Input<'_>, plan: &Plan) -> Vec<Refusal> {
    let written = written(input, plan);
    let mut refusals = Vec::new();
    for (index, file) in plan.files.iter().enumerate() {
        let of_another = plan.files[..index]
            .iter()
            .any(|other| overlap(&other.path, &file.path));
        let of_a_step = written.iter().find(|other| overlap(other, &file.path));
        let why = if of_another {
            "another template becomes that, or what is above or below it".to_owned()
        } else if let Some(other) = of_a_step {
            format!(
                "{} is saved from the old system, kept, or written by jump itself",
                other.absolute()
            )
        } else if input.target.homeless.contains(&file.path) {
            format!(
                "the target image {} has a directory there, or no directory above",
                input.target.manifest.name
            )
        } else {
            continue;
        };
        let message = format!("a template becomes {}, and {why}", file.path.absolute());
        refusals.push(impossible(
            message,
            "write another file, or let a hook `restored` change that one",
        ));
    }
    refusals
}

fn impossible(message: String, hint: &str) -> Refusal {
    Refusal::new(RefusalCode::TemplateImpossible, message, hint)
}

/// Whether one of two paths is the other, or above it.
fn overlap(a: &RelPath, b: &RelPath) -> bool {
    let is_at = |above: &RelPath, below: &RelPath| {
        let rest = below.as_str().strip_prefix(above.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    is_at(a, b) || is_at(b, a)
}

/// What others write in the new system, and what is kept below it.
fn written(input: &Input<'_>, plan: &Plan) -> Vec<RelPath> {
    let fixed = WRITTEN.iter().chain(&ACCOUNT_FILES);
    let fixed = fixed.filter_map(|path| path.parse().ok());
    let network = plan.network.iter().flat_map(|it| &it.target_files);
    let switches = plan.switches.target.iter().filter_map(switched);
    let grub = plan.loader.grub.directory.clone();
    let is_made = |mount: &RelPath| {
        let mut made = plan.filesystems.iter().filter(|it| !it.kept);
        made.any(|it| it.mount == mount.absolute())
    };
    let copies = plan.copied_into_new().into_iter();
    let copies = copies.filter_map(|copy| copy.to_string().parse().ok());
    let mounts = fstab::mount_points(&plan.fstab).into_iter();
    fixed
        .chain(input.job.save.all_paths())
        .chain(network.map(|file| file.path.clone()))
        .chain(switches)
        .chain([grub])
        .chain(copies)
        .chain(mounts.filter(|mount| !is_made(mount)))
        .collect()
}

/// The file that a switch is thrown by.
fn switched(switch: &Switch) -> Option<RelPath> {
    match switch {
        Switch::Present { path } | Switch::Absent { path } | Switch::Setting { path, .. } => {
            Some(path.clone())
        }
        Switch::Mask { unit } => format!("etc/systemd/system/{unit}").parse().ok(),
    }
}

/// What the variables of a node are.
struct Values<'a> {
    input: &'a Input<'a>,
    own: BTreeMap<String, String>,
}

impl<'a> Values<'a> {
    fn of(input: &'a Input<'a>) -> Self {
        let own = variables::values(input);
        Self { input, own }
    }

    fn get(&self, name: &str) -> Option<String> {
        Some(match name {
            HOST => self.input.host.to_owned(),
            NODE => self.input.facts.hostname.clone(),
            RUN => self.input.run.to_string(),
            PERCENT => "%".to_owned(),
            _ => return self.own.get(name).cloned(),
        })
    }

    fn render(&self, wish: &TemplateWish, text: &str) -> Result<String, Refusal> {
        let mut rendered = String::new();
        for piece in Text::new(text).pieces() {
            match piece {
                Piece::Plain(plain) => rendered += plain,
                Piece::Variable(name) => {
                    let value = self
                        .get(name)
                        .ok_or_else(|| self.undefined(wish, text, name))?;
                    rendered += &value;
                }
            }
            if rendered.len() > LARGEST_TEMPLATE {
                let message = format!(
                    "the template {} becomes longer than {} KiB",
                    wish.from,
                    LARGEST_TEMPLATE >> 10
                );
                return Err(impossible(
                    message,
                    "put what is the same on all nodes into the image",
                ));
            }
        }
        Ok(rendered)
    }

    fn undefined(&self, wish: &TemplateWish, text: &str, name: &str) -> Refusal {
        let at = text.find(&format!("%{name}%")).unwrap_or(0);
        let line = text[..at].matches('\n').count() + 1;
        Refusal::new(
            RefusalCode::TemplateKey,
            format!(
                "the template {} uses %{name}% in line {line}, and {} has no such variable",
                wish.from, self.input.host
            ),
            "set it in [variables], [node.\"…\"] or the table of hostvars; a percent sign itself is written %_PERCENT%",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::FileMode;
    use crate::planner::sample::{Sample, facts, job};

    fn sample(to: &str, text: &str) -> Sample {
        let mut job = job();
        job.variables.insert("RACK".to_owned(), "r1 %A%".to_owned());
        job.template.push(TemplateWish {
            from: "templates/x".to_owned(),
            to: to.parse().unwrap(),
            mode: FileMode(0o640),
        });
        let mut sample = Sample::of(&facts(), &job);
        sample.templates.push(text.to_owned());
        sample
    }

    #[test]
    fn a_template_becomes_a_file_of_the_plan() {
        let text = "%_HOST% %_NODE% %_RUN%\n%RACK% 100% date +%_PERCENT%Y%\n";
        let plan = sample("etc/motd", text).planned().unwrap();
        let [file] = &plan.files[..] else {
            panic!("{:?}", plan.files)
        };
        assert_eq!((file.path.as_str(), file.mode), ("etc/motd", 0o640));
        assert_eq!(
            file.text,
            "node07 node07 00112233aabbccdd\nr1 %A% 100% date +%Y%\n"
        );
        assert!(plan.steps.replace.contains(&crate::step::Step::WriteFiles));
    }

    #[test]
    fn refuses_a_variable_that_the_node_does_not_have() {
        let refusals = sample("etc/motd", "a\n%NOPE%\n").planned().unwrap_err();
        assert_eq!(refusals[0].code, RefusalCode::TemplateKey);
        insta::assert_snapshot!(refusals[0].message, @"the template templates/x uses %NOPE% in line 2, and node07 has no such variable");
    }

    #[test]
    fn refuses_a_file_that_something_else_writes_or_that_has_no_place() {
        for to in [
            "etc/fstab",
            "etc/hosts",
            "root/.bashrc",
            "root",
            "etc",
            "etc/shadow",
            "etc/ssh/sshd_config.d/x.conf",
            "boot/grub/custom.cfg",
            "run/x",
            "data/x",
            "usr/lib/jump/x",
        ] {
            let refusals = sample(to, "").planned().err().unwrap_or_default();
            let codes: Vec<_> = refusals.iter().map(|it| it.code).collect();
            assert_eq!(codes, [RefusalCode::TemplateImpossible], "{to}");
        }
        let mut homeless = sample("opt/x", "");
        homeless.target.homeless.insert("opt/x".parse().unwrap());
        assert_eq!(homeless.planned().unwrap_err().len(), 1);
        for to in ["opt/x", "etc/hosts.allow", "etc/systemd/system/x.service"] {
            assert!(sample(to, "").planned().is_ok(), "{to}");
        }
    }

    #[test]
    fn refuses_what_is_too_large_or_too_many() {
        let mut large = sample("etc/motd", &"x".repeat(LARGEST_TEMPLATE + 1));
        assert_eq!(
            large.planned().unwrap_err()[0].code,
            RefusalCode::TemplateImpossible
        );
        let wish = large.job.template[0].clone();
        large.job.template = vec![wish; MOST_TEMPLATES + 1];
        assert_eq!(
            large.planned().unwrap_err()[0].code,
            RefusalCode::TemplateImpossible
        );
        let mut twice = sample("etc/motd", "");
        twice.job.template.push(twice.job.template[0].clone());
        twice.templates.push(String::new());
        assert_eq!(
            twice.planned().unwrap_err()[0].code,
            RefusalCode::TemplateImpossible
        );
    }
}
