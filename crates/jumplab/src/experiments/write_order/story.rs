//! What a log tells: the writes by which the next boot changes, and what must be booted between them.

use std::ops::Range;

use anyhow::{Context as _, Result};
use jumpsys::boot::bootsector::BootSector;

use super::log::{Log, Write};
use crate::vm::loader::Choice;

/// A write by which the next boot changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    /// Its place in the log.
    pub(super) at: usize,
    /// What it says.
    pub(super) says: Says,
    /// What is booted once it is on the medium.
    pub(super) boots: Choice,
}

/// What a turn says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Says {
    /// The boot sector leads to the core image at that sector.
    Sector(u64),
    /// The environment block has that state and that many tries.
    State(String, u32),
}

/// All turns, in order.
#[derive(Debug, Clone)]
pub(super) struct Story {
    /// The sector of the core image that the boot sector led to at first, and does in the end.
    pub(super) standard: u64,
    /// The sector of the selector's core image.
    pub(super) selector: u64,
    /// The turns.
    pub(super) turns: Vec<Turn>,
}

impl Story {
    /// The sector of the selector's core image and the write that turns the boot sector to it, the
    /// first of all turns.
    pub(super) fn armed(log: &Log, standard: u64) -> Result<(usize, u64)> {
        let mut sectors = sectors(log, 0)?.into_iter();
        let found = sectors.find_map(|(at, sector)| {
            let leads_to = leads_to(&sector).filter(|sector| *sector != standard)?;
            Some((at, leads_to))
        });
        found.context("nothing in the log turns the boot sector")
    }

    /// Reads the turns; `env` is the first sector of the environment block.
    pub(super) fn read(log: &Log, standard: u64, env: u64) -> Result<Self> {
        let (armed, selector) = Self::armed(log, standard)?;
        let boot = sectors(log, 0)?.into_iter();
        let boot = boot.filter_map(|(at, sector)| Some((at, Says::Sector(leads_to(&sector)?))));
        let states = sectors(log, env)?.into_iter();
        let states = states.filter_map(|(at, sector)| {
            let (state, tries) = state(&sector)?;
            Some((at, Says::State(state, tries)))
        });
        let mut said: Vec<(usize, Says)> = boot.chain(states).collect();
        said.sort_by_key(|(at, _)| *at);
        let mut now = Now::before(standard);
        let mut turns = Vec::new();
        for (at, says) in said {
            now.hear(&says);
            let is_new = turns.last().is_none_or(|last: &Turn| last.says != says);
            if at >= armed && is_new {
                let boots = now.boots();
                turns.push(Turn { at, says, boots });
            }
        }
        Ok(Self {
            standard,
            selector,
            turns,
        })
    }

    /// The first turn from `from` on that says that.
    pub(super) fn turn(
        &self,
        from: usize,
        what: &str,
        says: impl Fn(&Says) -> bool,
    ) -> Result<usize> {
        let mut turns = self.turns.iter();
        let found = turns.find(|turn| turn.at >= from && says(&turn.says));
        let found = found.with_context(|| format!("the log shows no {what}"))?;
        Ok(found.at)
    }

    /// What may be booted if all before the entry `durable` is on the medium and any of the writes
    /// before the entry `issued` may be.
    pub(super) fn allowed(&self, durable: usize, issued: usize) -> Vec<Choice> {
        let past = self.turns.iter().take_while(|turn| turn.at < durable);
        let mut allowed = vec![past.last().map_or(Choice::Old, |turn| turn.boots)];
        let pending = self
            .turns
            .iter()
            .filter(|turn| (durable..issued).contains(&turn.at));
        allowed.extend(pending.map(|turn| turn.boots));
        allowed
    }
}

/// What boot sector and environment block say.
struct Now {
    standard: u64,
    leads_to: u64,
    state: (String, u32),
    tried: bool,
}

impl Now {
    fn before(standard: u64) -> Self {
        Self {
            standard,
            leads_to: standard,
            state: (String::new(), 0),
            tried: false,
        }
    }

    fn hear(&mut self, says: &Says) {
        match says {
            Says::Sector(leads_to) => self.leads_to = *leads_to,
            Says::State(state, tries) => {
                self.tried |= state == "try";
                self.state = (state.clone(), *tries);
            }
        }
    }

    /// By the promise: the new system has the standard place from its first try on.
    fn boots(&self) -> Choice {
        let (state, tries) = &self.state;
        match (self.leads_to == self.standard, state.as_str(), tries) {
            (true, _, _) if self.tried => Choice::New,
            (true, _, _) | (false, "old", _) => Choice::Old,
            (false, "try", 1..) => Choice::New,
            (false, _, _) => Choice::Jump,
        }
    }
}

/// All that is written to one sector, with the places of the writes in the log.
fn sectors(log: &Log, sector: u64) -> Result<Vec<(usize, [u8; 512])>> {
    let here = sector..sector + 1;
    let writes = log.writes(0..log.entries().len());
    let writes = writes.filter(|(_, write)| write.touches(&here));
    writes
        .map(|(at, write)| Ok((at, log.sector(&write, sector)?)))
        .collect()
}

fn leads_to(sector: &[u8; 512]) -> Option<u64> {
    let sector = BootSector::new(*sector);
    sector.is_grub().then(|| sector.kernel_sector())
}

/// `jump_state` and `jump_tries` in the first sector of an environment block.
fn state(sector: &[u8; 512]) -> Option<(String, u32)> {
    let text = String::from_utf8_lossy(sector);
    let value = |name: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    };
    Some((
        value("jump_state")?.to_owned(),
        value("jump_tries")?.parse().ok()?,
    ))
}

/// The first write from `from` on that touches one of `sectors`.
pub(super) fn first_write(log: &Log, from: usize, sectors: &Range<u64>) -> Option<usize> {
    let touches = |(_, write): &(usize, Write)| write.touches(sectors);
    let mut writes = log.writes(from..log.entries().len());
    writes.find(touches).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::super::log::Log;
    use super::super::log::tests::log;
    use super::Story;
    use crate::vm::loader::Choice::{Jump, New, Old};

    /// A boot sector that GRUB would know for its own.
    fn boot_sector(leads_to: u64) -> (u64, Vec<u8>) {
        let mut sector = vec![0; 512];
        sector[0x5c..0x64].copy_from_slice(&leads_to.to_le_bytes());
        sector[0x180..0x186].copy_from_slice(b"GRUB \0");
        sector[0x188..0x18d].copy_from_slice(b"Geom\0");
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        (0, sector)
    }

    fn block(state: &str, tries: u32) -> (u64, Vec<u8>) {
        let mut sector = format!("# GRUB\njump_state={state}\njump_tries={tries}\n").into_bytes();
        sector.resize(512, b'#');
        (9, sector)
    }

    #[test]
    fn between_two_flushes_both_sides_of_a_turn_are_allowed_and_after_it_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let entries = [
            Some(block("once", 0)),
            None,
            Some(boot_sector(1000)),
            None,
            Some(block("old", 0)),
            Some(block("jump", 0)),
            None,
            Some(block("try", 3)),
            None,
            Some(block("try", 0)),
            Some(boot_sector(1)),
        ];
        std::fs::write(file.path(), log(&entries)).unwrap();
        let story = Story::read(&Log::read(file.path()).unwrap(), 1, 9).unwrap();
        assert_eq!((story.selector, story.turns[0].at), (1000, 2));
        for (durable, issued, allowed) in [
            (0, 2, vec![Old]),
            (2, 3, vec![Old, Jump]),
            (4, 4, vec![Jump]),
            (4, 6, vec![Jump, Old, Jump]),
            (7, 7, vec![Jump]),
            (7, 8, vec![Jump, New]),
            (9, 10, vec![New, Jump]),
            (11, 11, vec![New]),
        ] {
            assert_eq!(
                story.allowed(durable, issued),
                allowed,
                "{durable} {issued}"
            );
        }
    }

    #[test]
    fn a_log_in_which_nothing_is_armed_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), log(&[Some(boot_sector(1)), None])).unwrap();
        assert!(Story::read(&Log::read(file.path()).unwrap(), 1, 9).is_err());
    }
}
