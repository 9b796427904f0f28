//! `cargo xtask`: development tasks.

fn main() -> anyhow::Result<()> {
    xtask::dist::build()?;
    Ok(())
}
