//! The real jumpinit on this very machine, which is only looked at.

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::node::Node;
use crate::{Case, Need};

pub(crate) const CASES: &[Case] = &[(
    "check_of_this_machine_by_the_real_jumpinit_answers",
    Need::SshdAndRoot,
    this_machine,
)];

fn this_machine() -> Result<()> {
    let bench = Bench::new()?;
    std::fs::copy(jump_tests::bin("jumpinit"), bench.path("jumpinit"))?;
    // Never what this machine has: a layout that cannot be.
    let job = crate::sample::JOB.replace(
        "[images]",
        "landing = { partition = \"/dev/none7\" }\n[images]",
    );
    bench.write("job.toml", &job)?;
    let _node = Node::this_machine(&bench)?;
    let outcome = bench.run("check", &["--json", "node07"])?;
    outcome.ended(
        3,
        "error: node07: /dev/none7 is not a partition of this node [no-landing-partition]",
    )?;
    let told = outcome.json()?;
    ensure!(
        told.len() == 1 && told[0]["refusals"].is_array(),
        "{told:?}"
    );
    Ok(())
}
