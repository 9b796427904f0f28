//! A selector script that is missing, empty, garbage or cut anywhere: its spare copy
//! makes the same choice, and no prompt is reached.

use anyhow::ensure;
use jumpspec::selector::{Actions, Doubt, Leaf, State};

use crate::Case;
use crate::disk::{Disk, Landing};
use crate::emu::{NEEDS, choose};

/// Bytes between the cuts that are tried.
const STRIDE: usize = 211;

pub(crate) fn cases() -> Vec<Case> {
    let case = |name: &str, check: fn() -> anyhow::Result<()>| Case {
        name: format!("grub_emu::{name}"),
        needs: NEEDS,
        run: Box::new(check),
    };
    vec![
        case("a_broken_script_leads_to_its_spare", broken),
        case("a_script_cut_anywhere_leads_to_its_spare", cut),
        case("no_script_leads_to_jump", none),
        case(
            "no_script_and_no_kernel_lead_to_the_raw_old_sector",
            nothing,
        ),
    ]
}

fn landing() -> Landing {
    let actions = Actions::Echo(Vec::new());
    Landing::new(State::Once, b"kernel", Doubt::Old, &actions)
}

fn broken() -> anyhow::Result<()> {
    let garbage = b"}} if ( $ {\n'\"\\\n\0\xff function { if\n".to_vec();
    for config in [None, Some(Vec::new()), Some(garbage), Some(vec![0; 4096])] {
        spare_decides(config)?;
    }
    Ok(())
}

fn cut() -> anyhow::Result<()> {
    let whole = landing().config.unwrap_or_default();
    for end in (1..whole.len() - 1).step_by(STRIDE) {
        spare_decides(Some(whole[..end].to_vec()))?;
    }
    Ok(())
}

fn spare_decides(config: Option<Vec<u8>>) -> anyhow::Result<()> {
    let landing = Landing {
        config,
        ..landing()
    };
    let disk = Disk::new(&landing)?;
    let boot = choose(&landing, &disk)?;
    ensure!(
        boot.reached == ["jump"],
        "{:?}:\n{}",
        boot.reached,
        boot.log
    );
    ensure!(disk.state()? == Some(State::Old), "the try was not spent");
    Ok(())
}

fn none() -> anyhow::Result<()> {
    last_resorts(&[], &["jump"])
}

fn nothing() -> anyhow::Result<()> {
    last_resorts(&[Leaf::Jump], &["failed jump", "old"])
}

fn last_resorts(failing: &[Leaf], reached: &[&str]) -> anyhow::Result<()> {
    let actions = Actions::Echo(failing.to_vec());
    for script in [None, Some(Vec::new()), Some(vec![0xff; 777])] {
        let landing = Landing {
            config: script.clone(),
            spare: script,
            ..Landing::new(State::Once, b"kernel", Doubt::Old, &actions)
        };
        let disk = Disk::new(&landing)?;
        let boot = choose(&landing, &disk)?;
        ensure!(boot.reached == reached, "{:?}:\n{}", boot.reached, boot.log);
        ensure!(boot.log.contains("no selector script"), "{}", boot.log);
    }
    Ok(())
}
