//! Whether a node's kernel and init start another kernel without the firmware, by kexec.

use serde::{Deserialize, Serialize};

/// What a start by kexec hangs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Starting {
    /// Whether the kernel takes another one.
    pub kernel: Taking,
    /// Whether it takes signed ones alone (kernel_lockdown(7)).
    pub locked_down: bool,
    /// Whether systemd is init, which unmounts before it starts what is loaded.
    pub systemd: bool,
}

/// Whether a kernel takes another one by kexec_file_load(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Taking {
    /// Facts of before this was asked.
    #[default]
    Unknown,
    /// It does.
    Takes,
    /// It was built without.
    Without,
    /// It was told not to, until its next boot (`kernel.kexec_load_disabled`, or a limit of 0).
    Disabled,
    /// It does not let this login, root of a container perhaps.
    NotAllowed,
}
