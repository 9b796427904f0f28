//! Whether what is swapped out to the landing partition has room elsewhere. Where it has not, the
//! kernel kills programs while it is read back, and the node may be lost before anything is done.

use super::Input;
use super::landing::Landing;
use crate::node::facts::{Facts, SwapUse};
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::words::size::Size;

/// What must be left when all is read back: for jumpinit, which takes up to 32 MiB
/// (docs/images.md), for the toolbox that lies in memory beside it, and for logins.
const RESERVE: Size = Size::mib(96);

/// What is known of the swap area on the landing partition, if it is one in use.
fn on_landing<'a>(facts: &'a Facts, landing: &Landing<'_>) -> Option<&'a SwapUse> {
    let device = landing.partition.device.as_str();
    facts.swap_use.iter().find(|area| area.device == device)
}

/// Room in swap areas that stay. What lies in zram takes memory itself.
fn room_in_swap(facts: &Facts, leaving: &SwapUse) -> Size {
    let stays = |area: &&SwapUse| {
        area.device != leaving.device
            && !area.device.trim_start_matches("/dev/").starts_with("zram")
    };
    let free = |area: &SwapUse| Size(area.size.bytes().saturating_sub(area.used.bytes()));
    facts.swap_use.iter().filter(stays).map(free).sum()
}

/// What stands against taking the landing partition's swap away.
pub(super) fn refusal(input: &Input<'_>, landing: &Landing<'_>) -> Option<Refusal> {
    let area = on_landing(input.facts, landing)?;
    let available = input.facts.memory_available?;
    let other = room_in_swap(input.facts, area);
    let needed: Size = [area.used, RESERVE].into_iter().sum();
    let room: Size = [available, other].into_iter().sum();
    if area.used == Size(0) || needed <= room {
        return None;
    }
    let message = format!(
        "{} has {} swapped out; the node has {} of memory available and {other} of other swap free, and {RESERVE} must be left: it would run out of memory",
        area.device, area.used, available
    );
    Some(Refusal::new(
        RefusalCode::SwapInUse,
        message,
        "stop what takes the memory (`ps -eo rss,args --sort=-rss | head`, then `systemctl stop …`), or add a swap file on the node for the time (mkswap, swapon), or name another partition with [landing] partition = \"/dev/…\"",
    ))
}

/// What is not known of it, for the plan's notes.
pub(super) fn note(input: &Input<'_>, device: &str) -> Option<String> {
    let facts = input.facts;
    let in_use = facts.swaps.iter().any(|swap| swap == device);
    let known =
        facts.memory_available.is_some() && facts.swap_use.iter().any(|area| area.device == device);
    (in_use && !known).then(|| {
        format!(
            "how much is swapped out to {device}, or how much memory is available, is not known: if it does not fit, staging fails at its first step, and the swap stays"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::sample;

    /// The code and message of the refusals of the demo's node after `change`.
    fn refused(change: impl FnOnce(&mut Facts)) -> Vec<(RefusalCode, String)> {
        let mut facts = sample::facts();
        change(&mut facts);
        let planned = sample::planned(&facts, &sample::job());
        let refusals = planned.err().into_iter().flatten();
        refusals
            .map(|refusal| (refusal.code, refusal.message))
            .collect()
    }

    fn swapped(facts: &mut Facts, used: u64, available: u64) {
        facts.swap_use[0].used = Size::mib(used);
        facts.memory_available = Some(Size::mib(available));
    }

    #[test]
    fn swap_that_does_not_fit_into_memory_is_refused_with_the_figures() {
        let refusals = refused(|facts| swapped(facts, 725, 120));
        let [(RefusalCode::SwapInUse, message)] = refusals.as_slice() else {
            panic!("{refusals:?}")
        };
        for figure in ["/dev/vda2", "725.0 MiB", "120.0 MiB"] {
            assert!(message.contains(figure), "{message}");
        }
    }

    #[test]
    fn what_fits_or_is_empty_is_no_reason() {
        assert_eq!(refused(|facts| swapped(facts, 104, 200)), []);
        assert_eq!(refused(|facts| swapped(facts, 105, 200)).len(), 1);
        assert_eq!(refused(|facts| swapped(facts, 0, 10)), []);
    }

    #[test]
    fn room_in_other_swap_counts_unless_it_is_in_memory() {
        let with = |device: &str| {
            refused(|facts| {
                swapped(facts, 725, 120);
                facts.swap_use.push(SwapUse {
                    device: device.to_owned(),
                    size: Size::mib(1024),
                    used: Size::mib(0),
                });
            })
        };
        assert_eq!(with("/swapfile"), []);
        assert_eq!(with("/dev/zram0").len(), 1);
    }

    #[test]
    fn what_is_not_known_is_told() {
        let mut facts = sample::facts();
        facts.swap_use.clear();
        let plan = sample::planned(&facts, &sample::job()).unwrap();
        let told = plan.notes.iter().any(|note| note.contains("is not known"));
        assert!(told, "{:?}", plan.notes);
        let told = sample::planned(&sample::facts(), &sample::job())
            .unwrap()
            .notes;
        assert!(
            !told.iter().any(|note| note.contains("swapped out")),
            "{told:?}"
        );
    }
}
