//! The scripts. Written for GRUB 2.02 and later; its script language has functions,
//! `if` and `test`, and no arithmetic (GRUB manual, "Writing full configuration
//! files directly").

use std::fmt::Write as _;

use super::{CONFIG, Doubt, ENV, HASHES, NEW_SECTOR, OLD_SECTOR, ONCE, Parts, SPARE_CONFIG};
use crate::boot::Loaders;
use crate::boot::environment::{END, State, TRIES};

/// What the script's three leaves do; all else is the same text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actions {
    /// Boot.
    Real,
    /// Say what would be booted and exit, for grub-emu. The leaves named here fail
    /// instead, as a loader does that cannot read its file.
    Echo(Vec<Leaf>),
}

/// What the selector can boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// The old system's own loader.
    Old,
    /// The new system's.
    New,
    /// The jump system's kernel.
    Jump,
}

impl Leaf {
    const ALL: [Self; 3] = [Self::Old, Self::New, Self::Jump];

    /// As the function's and the message's last word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
            Self::Jump => "jump",
        }
    }
}

/// See [`super::Selector::embedded_config`]. `$root` is the boot disk at first, or the EFI system
/// partition: the core image was made without a device in its prefix. Without a script nothing can be
/// decided, and the jump system can: it finds out where the run stands, before the commit
/// as after it.
pub(super) fn embedded(parts: &Parts, actions: &Actions) -> String {
    let mut text = String::from("set jump_disk=$root\nexport jump_disk\n");
    text += &serial(parts);
    let _ = write!(
        text,
        "search.fs_uuid {uuid} root\n\
         configfile ($root)/{directory}/{CONFIG}\n\
         configfile ($root)/{directory}/{SPARE_CONFIG}\n\
         echo 'jump: no selector script, starting the jump system'\n\
         {jump}\
         echo 'jump: no jump system, starting the old loader'\n\
         {old}\
         sleep {pause}\n\
         reboot\n",
        uuid = parts.landing_uuid,
        directory = parts.directory,
        jump = last_resort(parts, actions, Leaf::Jump),
        old = last_resort(parts, actions, Leaf::Old),
        pause = pause(actions),
    );
    text
}

/// Lines for the rescue parser that boot `leaf`, or else go on to the next line.
fn last_resort(parts: &Parts, actions: &Actions, leaf: Leaf) -> String {
    if let Actions::Echo(failing) = actions {
        return echo(failing, leaf).replace("  false\n", "");
    }
    match leaf {
        Leaf::Jump => format!(
            "linux ($root)/{kernel} '{arguments}'\ninitrd ($root)/{initramfs}\nboot\n",
            kernel = parts.kernel.path,
            arguments = parts.arguments.join("' '"),
            initramfs = parts.initramfs.path,
        ),
        Leaf::Old | Leaf::New => format!(
            "set root=$jump_disk\nchainloader ($jump_disk){loader}\nboot\n",
            loader = on_boot_disk(parts, leaf)
        ),
    }
}

/// See [`super::Selector::finished_config`].
pub(super) fn finished(parts: &Parts, actions: &Actions) -> String {
    format!(
        "set jump_disk=$root\n{serial}\
         echo 'jump: the new system has an entry of its own, starting it'\n\
         {new}sleep {pause}\nreboot\n",
        serial = serial(parts),
        new = last_resort(parts, actions, Leaf::New),
        pause = pause(actions),
    )
}

fn echo(failing: &[Leaf], leaf: Leaf) -> String {
    if failing.contains(&leaf) {
        format!("  echo 'jump: FAILED {}'\n  false\n", leaf.name())
    } else {
        format!("  echo 'jump: CHOSE {}'\n  exit\n", leaf.name())
    }
}

/// Seconds between two tries of the same.
fn pause(actions: &Actions) -> u32 {
    if *actions == Actions::Real { 10 } else { 0 }
}

fn serial(parts: &Parts) -> String {
    parts.serial.map_or_else(String::new, |port| {
        format!(
            "serial --unit={} --speed={}\nterminal_output console serial\n",
            port.unit, port.speed
        )
    })
}

/// See [`super::Selector::config`]. Everything but the last line only defines; a file
/// cut anywhere does nothing, and the spare copy's turn comes.
pub(super) fn config(parts: &Parts, actions: &Actions) -> String {
    let mut text = format!(
        "# jump's selector. Written by jumpinit; do not edit.\n\
         set jump_home=$root\n\
         set jump_env=($root)/{directory}/{ENV}\n",
        directory = parts.directory,
    );
    for leaf in Leaf::ALL {
        let body = match actions {
            Actions::Real => real(parts, leaf),
            Actions::Echo(failing) => echo(failing, leaf),
        };
        let _ = write!(text, "function jump_boot_{} {{\n{body}}}\n", leaf.name());
    }
    text + &logic() + &check(parts) + &ways(pause(actions)) + &choice(parts.doubt)
}

fn real(parts: &Parts, leaf: Leaf) -> String {
    let chain = |sectors: &[String]| {
        let boot = |sector: &String| format!("  if chainloader {sector}; then boot; fi\n");
        let boots: String = sectors.iter().map(boot).collect();
        format!("  set root=$jump_disk\n{boots}  false\n")
    };
    let file = |name: &str| format!("($jump_home)/{}/{name}", parts.directory);
    let boot_disk = || format!("($jump_disk){}", on_boot_disk(parts, leaf));
    match (leaf, &parts.loaders) {
        (Leaf::Old, Loaders::Sectors { .. }) => chain(&[file(OLD_SECTOR), boot_disk()]),
        (Leaf::New, Loaders::Sectors { .. }) => chain(&[file(NEW_SECTOR)]),
        (Leaf::Old | Leaf::New, Loaders::Files { .. }) => chain(&[boot_disk()]),
        (Leaf::Jump, _) => {
            let arguments = parts.arguments.join("' '");
            format!(
                "  set root=$jump_home\n  \
                 if linux '/{kernel}' '{arguments}' $jump_word; then if initrd '/{initramfs}'; then boot; fi; fi\n  \
                 false\n",
                kernel = parts.kernel.path,
                initramfs = parts.initramfs.path,
            )
        }
    }
}

/// What the block says, and what is spent of it.
fn logic() -> String {
    let (end, sealed) = END;
    let mut decrement = String::new();
    for tries in (1..=TRIES).rev() {
        let word = if tries == TRIES { "if" } else { "elif" };
        let left = tries - 1;
        let _ = writeln!(
            decrement,
            "  {word} [ \"$jump_tries\" = {tries} ]; then set jump_left={left}"
        );
    }
    format!(
        r#"# What the block says; anything but a whole block is "doubt".
function jump_load {{
  set jump_state=doubt
  set jump_tries=0
  set {end}=missing
  load_env -f $jump_env jump_state jump_tries {end}
  if [ "${end}" != {sealed} ]; then set jump_state=doubt; fi
}}
# True only if the try can be seen to be spent.
function jump_spend_once {{
  set jump_state=old
  save_env -f $jump_env jump_state
  jump_load
  if [ "$jump_state" = old ]; then true; else echo 'jump: cannot write the environment block'; false; fi
}}
function jump_spend_try {{
  set jump_left=none
{decrement}  fi
  if [ "$jump_left" = none ]; then
    echo 'jump: the new system has had its tries'
    false
  else
    set jump_tries=$jump_left
    save_env -f $jump_env jump_tries
    jump_load
    if [ "$jump_state" = try -a "$jump_tries" = "$jump_left" ]; then true; else echo 'jump: cannot write the environment block'; false; fi
  fi
}}
"#
    )
}

/// Whether what is booted is what was staged. A signed GRUB has no hashsum and loads none (`insmod` of
/// what is not signed fails): there the kernel's signature is asked, where the firmware asks for any.
fn check(parts: &Parts) -> String {
    if let Loaders::Files { .. } = parts.loaders {
        return "function jump_check {\n  true\n}\n".to_owned();
    }
    let [kernel, initramfs] = HASHES;
    let directory = &parts.directory;
    format!(
        r"# An empty list would satisfy hashsum.
function jump_hash {{
  if [ -s ($jump_home)/{directory}/$1 ]; then
    hashsum --hash sha256 --check ($jump_home)/{directory}/$1 --prefix ($jump_home)
  else
    false
  fi
}}
function jump_check {{
  set jump_sound=no
  if jump_hash {kernel}; then if jump_hash {initramfs}; then set jump_sound=yes; fi; fi
  if [ $jump_sound = yes ]; then true; else echo 'jump: the kernel or the initramfs is not what was staged'; false; fi
}}
"
    )
}

/// The ways that are chosen from.
fn ways(pause: u32) -> String {
    let spend = if cfg!(jump_mutant = "no-tries") {
        "true"
    } else {
        "jump_spend_try"
    };
    format!(
        r#"function jump_old {{
  echo 'jump: starting the old system'
  jump_boot_old
}}
function jump_once {{
  if jump_spend_once; then
    if jump_check; then
      echo 'jump: starting the jump system, once'
      set jump_word={ONCE}
      jump_boot_jump
    fi
  fi
  jump_old
}}
function jump_jump {{
  jump_check
  echo 'jump: starting the jump system'
  jump_boot_jump
  sleep {pause}
  jump_boot_jump
  sleep {pause}
  reboot
}}
function jump_try {{
  if {spend}; then
    echo "jump: starting the new system, $jump_tries tries left"
    jump_boot_new
  fi
  jump_jump
}}
function jump_new {{
  echo 'jump: starting the new system'
  jump_boot_new
  jump_jump
}}
"#
    )
}

fn choice(doubt: Doubt) -> String {
    let states = [
        State::Old,
        State::Once,
        State::Jump,
        State::Try(0),
        State::New,
    ];
    let [old, once, jump, attempt, new] = states.map(State::name);
    let doubt = match doubt {
        Doubt::Old => "jump_old",
        Doubt::Jump => "jump_jump",
    };
    format!(
        r#"function jump_choose {{
  jump_load
  echo "jump: the environment block says $jump_state $jump_tries"
  if [ "$jump_state" = {once} ]; then jump_once
  elif [ "$jump_state" = {jump} ]; then jump_jump
  elif [ "$jump_state" = {attempt} ]; then jump_try
  elif [ "$jump_state" = {new} ]; then jump_new
  elif [ "$jump_state" = {old} ]; then jump_old
  else {doubt}
  fi
}}
jump_choose
"#
    )
}

/// Where a system's loader is on the disk, or the partition, that the selector was started from.
fn on_boot_disk(parts: &Parts, leaf: Leaf) -> String {
    match &parts.loaders {
        Loaders::Sectors { raw_copy } => format!("{raw_copy}+1"),
        Loaders::Files { new, .. } if leaf == Leaf::New => new.absolute(),
        Loaders::Files { old, .. } => old.absolute(),
    }
}
