//! A selector script that is missing, empty, garbage or cut anywhere: its spare copy
//! makes the same choice, and no prompt is reached. An environment block torn anywhere
//! in the sector that GRUB reads: what was chosen before is, or what is chosen after.

use anyhow::ensure;
use jumpspec::boot::environment::State;
use jumpspec::selector::{Actions, Doubt, Leaf};

use crate::Case;
use crate::disk::{Disk, Landing, block};
use crate::emu::{NEEDS, choose};

/// Bytes between the cuts that are tried.
const STRIDE: usize = 211;

/// Bytes between the places where a sector is torn.
const TEAR_STRIDE: usize = 3;
/// The changes of the environment block by jumpinit and by GRUB: from, to, what doubt means then, and
/// what may be booted.
const CHANGES: [(State, State, Doubt, [&str; 2]); 5] = [
    (State::Once, State::Old, Doubt::Old, ["jump", "old"]),
    (State::Old, State::Jump, Doubt::Old, ["old", "jump"]),
    (State::Jump, State::Try(3), Doubt::Jump, ["jump", "new"]),
    (State::Try(3), State::Try(2), Doubt::Jump, ["new", "jump"]),
    (State::Try(1), State::Try(0), Doubt::Jump, ["new", "jump"]),
];

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
        case(
            "faults_2_17_31_a_block_torn_within_its_first_sector_boots_what_is_promised",
            torn,
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

/// The second sector is as before, or as after.
fn torn() -> anyhow::Result<()> {
    for (from, to, doubt, allowed) in CHANGES {
        let (old, new) = (block(from), block(to));
        let differ = |at: &usize| old[*at] != new[*at];
        let (first, last) = ((0..512).find(differ), (0..512).rfind(differ));
        let ends = first.unwrap_or(0)..=last.unwrap_or(0) + 1;
        for (end, second) in ends
            .step_by(TEAR_STRIDE)
            .zip([&old, &new].into_iter().cycle())
        {
            let landing = Landing {
                env: Some([&new[..end], &old[end..512], &second[512..]].concat()),
                ..Landing::new(from, b"kernel", doubt, &Actions::Echo(Vec::new()))
            };
            let disk = Disk::new(&landing)?;
            let boot = choose(&landing, &disk)?;
            let reached: Vec<&str> = boot.reached.iter().map(String::as_str).collect();
            ensure!(
                allowed.iter().any(|name| reached == [*name]),
                "{from:?} -> {to:?}, torn at {end}: {reached:?}:\n{}",
                boot.log
            );
        }
    }
    Ok(())
}
