//! What the selector chooses from each state of its environment block, and what it
//! has written there afterwards.

use anyhow::ensure;
use jumpspec::boot::environment::State;
use jumpspec::selector::{Actions, Doubt, Leaf};

use crate::Case;
use crate::disk::{Disk, Landing, block};
use crate::emu::{NEEDS, choose};

/// A state of things and what must come of it.
struct Choice {
    name: &'static str,
    landing: Landing,
    reached: &'static [&'static str],
    after: Option<State>,
    says: &'static str,
}

impl Choice {
    fn new(name: &'static str, state: State) -> Self {
        Self::failing(name, state, &[])
    }

    fn failing(name: &'static str, state: State, failing: &[Leaf]) -> Self {
        let actions = Actions::Echo(failing.to_vec());
        Self {
            name,
            landing: Landing::new(state, &kernel(), Doubt::Old, &actions),
            reached: &[],
            after: Some(state),
            says: "",
        }
    }

    /// After the commit, with the block given.
    fn committed(name: &'static str, env: Option<Vec<u8>>) -> Self {
        let actions = Actions::Echo(Vec::new());
        let mut choice = Self::new(name, State::Jump);
        choice.landing = Landing::new(State::Jump, &kernel(), Doubt::Jump, &actions);
        choice.env(env)
    }

    fn env(mut self, env: Option<Vec<u8>>) -> Self {
        self.landing.env = env;
        self.after = None;
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Landing)) -> Self {
        change(&mut self.landing);
        self
    }

    fn says(mut self, text: &'static str) -> Self {
        self.says = text;
        self
    }

    fn reaches(mut self, reached: &'static [&'static str]) -> Self {
        self.reached = reached;
        self
    }

    fn leaves(mut self, after: State) -> Self {
        self.after = Some(after);
        self
    }

    fn check(self) -> anyhow::Result<()> {
        let disk = Disk::new(&self.landing)?;
        let boot = choose(&self.landing, &disk)?;
        let log = &boot.log;
        ensure!(
            boot.reached == self.reached,
            "reached {:?}:\n{log}",
            boot.reached
        );
        ensure!(
            log.contains(self.says),
            "{:?} was not said:\n{log}",
            self.says
        );
        let after = disk.state()?;
        ensure!(after == self.after, "left {after:?}:\n{log}");
        Ok(())
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let choices = [sound(), failing(), unreadable()];
    let case = |choice: Choice| Case {
        name: format!("grub_emu::{}", choice.name),
        needs: NEEDS,
        run: Box::new(|| choice.check()),
    };
    choices.into_iter().flatten().map(case).collect()
}

/// Every state, everything in order.
fn sound() -> Vec<Choice> {
    vec![
        Choice::new("old_boots_old", State::Old).reaches(&["old"]),
        Choice::new("once_is_spent_before_jump_boots", State::Once)
            .reaches(&["jump"])
            .leaves(State::Old),
        Choice::new("jump_boots_jump_for_good", State::Jump).reaches(&["jump"]),
        Choice::new("confirmed_boots_new", State::New).reaches(&["new"]),
        Choice::new("three_tries_leave_two", State::Try(3))
            .reaches(&["new"])
            .leaves(State::Try(2)),
        Choice::new("two_tries_leave_one", State::Try(2))
            .reaches(&["new"])
            .leaves(State::Try(1)),
        Choice::new("the_last_try_leaves_none", State::Try(1))
            .reaches(&["new"])
            .leaves(State::Try(0)),
        Choice::new("no_tries_left_boots_jump", State::Try(0)).reaches(&["jump"]),
    ]
}

/// Kernels, boot sectors and blocks that fail.
fn failing() -> Vec<Choice> {
    let flip = |landing: &mut Landing| landing.kernel[777] ^= 4;
    let hole = |landing: &mut Landing| landing.env_hole = 7168;
    let mismatch = "not what was staged";
    let unwritable = "cannot write the environment block";
    vec![
        Choice::new("once_with_a_flipped_kernel_boots_old", State::Once)
            .with(flip)
            .says(mismatch)
            .reaches(&["old"])
            .leaves(State::Old),
        Choice::new("once_with_a_cut_initramfs_boots_old", State::Once)
            .with(|landing| landing.initramfs.truncate(40_000))
            .says(mismatch)
            .reaches(&["old"])
            .leaves(State::Old),
        Choice::new("once_with_no_hash_list_boots_old", State::Once)
            .with(|landing| landing.hashes[1].clear())
            .says(mismatch)
            .reaches(&["old"])
            .leaves(State::Old),
        Choice::failing(
            "once_with_a_kernel_that_will_not_load_boots_old",
            State::Once,
            &[Leaf::Jump],
        )
        .reaches(&["failed jump", "old"])
        .leaves(State::Old),
        Choice::new("once_that_cannot_be_spent_boots_old", State::Once)
            .with(hole)
            .says(unwritable)
            .reaches(&["old"]),
        Choice::new(
            "jump_with_a_flipped_kernel_boots_it_all_the_same",
            State::Jump,
        )
        .with(flip)
        .says(mismatch)
        .reaches(&["jump"]),
        Choice::failing(
            "jump_that_will_not_load_is_tried_again",
            State::Jump,
            &[Leaf::Jump],
        )
        .reaches(&["failed jump", "failed jump"]),
        Choice::new("a_try_that_cannot_be_spent_boots_jump", State::Try(3))
            .with(hole)
            .says(unwritable)
            .reaches(&["jump"]),
        Choice::failing(
            "a_new_system_that_will_not_load_boots_jump",
            State::Try(3),
            &[Leaf::New],
        )
        .reaches(&["failed new", "jump"])
        .leaves(State::Try(2)),
        Choice::failing(
            "an_old_sector_that_will_not_load_leads_to_jump",
            State::Old,
            &[Leaf::Old],
        )
        .says("no selector script")
        .reaches(&["failed old", "failed old", "jump"]),
    ]
}

/// Blocks that say nothing known.
fn unreadable() -> Vec<Choice> {
    let known = |name| Choice::new(name, State::Old).reaches(&["old"]);
    let replaced = |from: &str, to: &str, state| {
        let text = String::from_utf8(block(state)).unwrap();
        Some(text.replacen(from, to, 1).into_bytes())
    };
    let cut = |state| Some(block(state)[..512].to_vec());
    let torn = |first, second| Some([&block(first)[..512], &block(second)[512..]].concat());
    let noise = noise(1024);
    vec![
        known("only_the_first_sector_of_a_write_boots_old")
            .env(torn(State::Old, State::Once))
            .leaves(State::Old),
        Choice::new(
            "only_the_second_sector_of_a_write_boots_jump_once",
            State::Once,
        )
        .env(torn(State::Once, State::Old))
        .reaches(&["jump"])
        .leaves(State::Old),
        known("no_block_boots_old").env(None),
        known("an_empty_block_boots_old").env(Some(Vec::new())),
        known("noise_boots_old").env(Some(noise.clone())),
        known("zeros_boot_old").env(Some(vec![0; 1024])),
        known("half_a_block_boots_old").env(cut(State::Once)),
        known("an_unknown_state_boots_old").env(replaced("=once", "=twice", State::Once)),
        Choice::committed(
            "an_unknown_number_of_tries_boots_jump",
            replaced("s=3", "s=9", State::Try(3)),
        )
        .reaches(&["jump"])
        .leaves(State::Try(0)),
        Choice::committed("no_block_boots_jump_after_the_commit", None).reaches(&["jump"]),
        Choice::committed("noise_boots_jump_after_the_commit", Some(noise)).reaches(&["jump"]),
        Choice::committed(
            "half_a_block_boots_jump_after_the_commit",
            cut(State::Try(3)),
        )
        .reaches(&["jump"]),
    ]
}

fn kernel() -> Vec<u8> {
    noise(50_000)
}

/// The same bytes every time.
fn noise(length: usize) -> Vec<u8> {
    let mut seed = 1_u32;
    let mut byte = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    };
    std::iter::repeat_with(&mut byte).take(length).collect()
}
