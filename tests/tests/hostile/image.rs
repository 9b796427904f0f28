//! A real image of several frames, made once, for the tests to damage.

use std::fs;
use std::io::Write as _;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Result, ensure};

use crate::golden::Golden;

/// The image's bytes.
pub(crate) fn bytes() -> Result<&'static [u8]> {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(image) = IMAGE.get() {
        return Ok(image);
    }
    let image = build()?;
    Ok(IMAGE.get_or_init(|| image))
}

/// A golden tree with some files that fill a frame each and do compress.
fn build() -> Result<Vec<u8>> {
    let golden = Golden::new()?;
    for name in ["a", "b", "c", "d", "e"] {
        let mut content = Vec::new();
        for n in 0..500_000 {
            writeln!(content, "{name}{n:07}")?;
        }
        golden.put(&format!("srv/{name}"), &content)?;
    }
    let path = golden.path("image.tar.zst");
    let mut jumpimg = Command::new(jump_tests::bin("jumpimg"));
    jumpimg.args(["build", "--kind", "jump", "--level", "1", "-o"]);
    jumpimg.arg(&path).arg("--root").arg(golden.root());
    jumpimg.arg("--jumpinit").arg(golden.path("jumpinit"));
    let output = jumpimg.output()?;
    ensure!(output.status.success(), "{output:?}");
    Ok(fs::read(path)?)
}
