//! Faults while the files made of templates are written to the new root.

use std::time::Duration;

use anyhow::{Result, ensure};
use jumplab::experiments::faults::End;
use jumplab::vm::loader::Choice;
use jumpspec::plan::RenderedFile;
use jumpspec::step::Step;

use crate::bench::Bench;
use crate::edit;
use crate::lab::Lab;

/// What the jump system says as it begins.
const WRITING: &str = "jump: write the files made of templates";
/// Files in directories that the image does not have.
const FILES: [&str; 2] = ["etc/site/rack", "srv/site/deep/motd"];
/// What is in each of them.
const TEXT: &str = "node07, 100%\n";

/// They are written again, whole.
pub(crate) fn cut(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("power cut while files made of templates are written")?;
    plan_files(&lab, &FILES)?;
    lab.cut(Choice::Jump, WRITING, Duration::ZERO)?;
    let seen = bench.ends(&lab, End::New)?;
    ensure!(
        seen.booted == [Choice::Jump, Choice::New],
        "{:?}",
        seen.booted
    );
    for file in FILES {
        let found = edit::root(&lab, |root| Ok(std::fs::read_to_string(root.join(file))?))?;
        ensure!(found == TEXT, "{file}: {found:?}");
    }
    Ok(())
}

/// The node stays in jump.
pub(crate) fn fails(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("a file made of a template would lie below a file")?;
    plan_files(&lab, &["etc/passwd/site"])?;
    bench.ends_telling(&lab, End::Jump, "etc/passwd").map(drop)
}

/// Lets the jump system write files, without the checks of a planner.
fn plan_files(lab: &Lab, paths: &[&str]) -> Result<()> {
    let file = |path: &&str| -> Result<RenderedFile> {
        Ok(RenderedFile {
            path: path.parse()?,
            mode: 0o640,
            text: TEXT.to_owned(),
        })
    };
    let files = paths.iter().map(file).collect::<Result<_>>()?;
    edit::plan(lab, |plan| {
        plan.files = files;
        let steps = &mut plan.steps.replace;
        let next = steps
            .iter()
            .position(|step| *step == Step::InstallFirstBoot);
        steps.insert(next.unwrap_or_default(), Step::WriteFiles);
    })
}
