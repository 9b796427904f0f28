//! Nodes in user-mode Linux: stage, replace and finish without firmware. The test looks at the disk
//! between two boots and then boots what the loader would.

mod journey;
#[path = "../machines/mod.rs"]
mod machines;
mod selector;

use machines::Case;
use xtask::vm::UML_KERNEL;

fn main() {
    machines::run(vec![Case {
        name: "stage_replace_and_finish",
        needs: &[UML_KERNEL, "/dev/net/tun"],
        asked_by: None,
        run: journey::stage_replace_and_finish,
    }]);
}
