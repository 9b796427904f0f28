//! The programs on the least processor that x86-64 has: a node may be older than the machine that
//! built them, and what they choose by the processor's features has to be right without any.

use std::process::Command;

use anyhow::Result;

use crate::LabCase;
use crate::lab::Lab;
use crate::listing::{Listing, ensure_equal};
use crate::programs::{run, tool};

pub(crate) const LAB_CASES: &[LabCase] = &[(
    "the_programs_run_on_the_first_x86_64_processors",
    least_processor,
)];

/// QEMU's user emulation, package qemu-user. A program that uses what the processor lacks ends by
/// SIGILL.
pub(crate) const EMULATOR: &str = "/usr/bin/qemu-x86_64";
/// x86-64-v1 of the System V ABI: `qemu64` has a few features more.
const PROCESSOR: &str = "qemu64,-sse3,-cx16,-lahf-lm";

fn emulated(program: &str) -> Command {
    let mut command = tool(EMULATOR);
    command.args(["-cpu", PROCESSOR]);
    command.arg(jump_tests::bin(program));
    command
}

fn least_processor(lab: &Lab) -> Result<()> {
    let planted = lab.modest()?;
    let (image, copy) = (planted.image()?, lab.place()?);
    run(emulated("jumpimg").arg("verify").arg(image))?;
    run(emulated("jumpinit").arg("extract").arg(image).arg(&copy))?;
    ensure_equal(&planted.listing, &Listing::of(&copy)?)
}
