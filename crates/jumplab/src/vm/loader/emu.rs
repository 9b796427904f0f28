//! One run of a GRUB under grub-emu: from its first script to what it hands over to.

use std::path::{Path, PathBuf};

use anstream::adapter::strip_str;
use anyhow::{Result, bail};

use super::EMU;
use super::core::CoreImage;
use crate::run;
use crate::vm::node::disks;

/// How long GRUB may take, in seconds: a loader that waits at a prompt boots nothing.
const LIMIT: &str = "60";
/// The commands by which GRUB is left. grub-emu has none of them, so functions can stand in. What they
/// say begins with a word of their own, as GRUB breaks long lines.
const WAYS_OUT: &str = r#"function linux {
  if [ -s "$1" ]; then
    set loader_device="$root"
    set loader_image="$1"
    set loader_root=
    for word in "$@"; do
      if regexp '^root=' "$word"; then set loader_root="$word"; fi
    done
  else
    set loader_image=
    false
  fi
}
function initrd {
  if [ -n "$loader_image" -a -s "$1" ]; then
    echo
    echo "loader: device=$loader_device"
    echo "loader: image=$loader_image"
    echo "loader: initramfs=$1"
    echo "loader: $loader_root"
    echo "loader: end"
    exit
  else
    false
  fi
}
function chainloader {
  set loader_sound=no
  if regexp '^\([^)]*\)[0-9+,]*$' "$1"; then set loader_sound=yes; fi
  if [ -s "$1" ]; then set loader_sound=yes; fi
  if [ $loader_sound = yes ]; then
    echo
    echo "loader: chain=$1"
    echo "loader: end"
    exit
  else
    false
  fi
}
function loader_boot {
  if [ -n "$loader_image" ]; then
    echo "loader: no initramfs for $loader_image"
    exit
  fi
}
"#;

/// What GRUB hands over to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Left {
    /// A kernel.
    Linux(Kernel),
    /// The boot sector in a file or blocklist.
    Chain(String),
}

/// A kernel with its initramfs, by GRUB's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kernel {
    /// Where names without a device are, as `hd0,msdos2`.
    pub(super) device: String,
    pub(super) image: String,
    pub(super) initramfs: String,
    /// Its `root=`; where there is none the initramfs stays its root.
    pub(super) root: Option<String>,
}

/// Runs a GRUB that does what `script` says by itself. What it printed is appended to `log`, whatever
/// came of it.
pub(super) fn run(disk: &Path, script: &str, log: &mut String) -> Result<Left> {
    let folder = tempfile::tempdir()?;
    let map = folder.path().join("device.map");
    let disks = disks(&std::path::absolute(disk)?);
    let line = |(number, disk): (usize, &PathBuf)| format!("(hd{number}) {}\n", disk.display());
    std::fs::write(&map, disks.iter().enumerate().map(line).collect::<String>())?;
    std::fs::write(folder.path().join("grub.cfg"), config(script))?;
    let mut emu = run::command("timeout", ["--signal=KILL", LIMIT, EMU, "-m"]);
    emu.arg(&map)
        .arg("-d")
        .arg(folder.path())
        .env("TERM", "dumb");
    let output = run::output(&mut emu)?;
    let said = strip_str(&String::from_utf8_lossy(&output.stdout)).to_string();
    log.push_str(&said);
    log.push_str(&String::from_utf8_lossy(&output.stderr));
    match left(&said) {
        Some(left) => Ok(left),
        None if output.status.success() => bail!("GRUB gave up"),
        None => bail!("GRUB waits, or failed: {}", output.status),
    }
}

/// grub-emu's grub.cfg for a GRUB that does what `script` says: a prompt is what it comes to at its end.
fn config(script: &str) -> String {
    format!(
        "{WAYS_OUT}{script}set timeout=0\n\
         menuentry 'a prompt' {{ echo 'loader: no entry' ; exit ; }}\n"
    )
}

/// What the core image does by itself (GRUB 2.06, `kern/main.c` and `normal/main.c`): it sets root and
/// prefix, runs its config, then the grub.cfg below its prefix.
pub(super) fn script(core: &CoreImage) -> String {
    let inner = core
        .prefix
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(')'));
    let (device, folder) = inner.unwrap_or(("", &core.prefix));
    let own = core.config.as_deref().unwrap_or_default();
    let own: Vec<&str> = own.lines().map(hurried).collect();
    let own = own.join("\n");
    format!(
        "set root=hd0{device}\nset prefix=(hd0{device}){folder}\n{own}\n\
         if [ -s $prefix/grub.cfg ]; then source $prefix/grub.cfg; fi\n"
    )
}

/// A line of an embedded config, without its pause. The rescue parser, which runs it, goes on after a
/// failure, so `boot` may find a kernel whose initramfs could not be read.
fn hurried(line: &str) -> &str {
    match line.split_whitespace().next() {
        Some("sleep") => "sleep 0",
        Some("boot") => "loader_boot",
        _ => line,
    }
}

/// What the stand-ins said.
fn left(said: &str) -> Option<Left> {
    let (said, _) = said.split_once("loader: end")?;
    // Lines are broken anywhere.
    let said = said.replace(['\n', '\r'], "");
    let field = |name: &str| {
        let mut parts = said.split("loader: ").skip(1);
        let found = parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        found.map(|value| value.trim().to_owned())
    };
    if let Some(file) = field("chain") {
        return Some(Left::Chain(file));
    }
    Some(Left::Linux(Kernel {
        device: field("device")?,
        image: field("image")?,
        initramfs: field("initramfs")?,
        root: field("root"),
    }))
}

#[cfg(test)]
mod tests {
    use super::{CoreImage, Kernel, Left, left, script};

    #[test]
    fn broken_lines_are_joined() {
        let said = "starting\nloader: device=hd0,msdos2\nloader: image=/boot/vm\nlinuz\n\
            loader: initramfs=/i\nloader: root=UUID=1\n2\nloader: end\n";
        let kernel = Kernel {
            device: "hd0,msdos2".to_owned(),
            image: "/boot/vmlinuz".to_owned(),
            initramfs: "/i".to_owned(),
            root: Some("UUID=12".to_owned()),
        };
        assert_eq!(left(said), Some(Left::Linux(kernel.clone())));
        let in_memory = said.replace("root=UUID=1\n2", "");
        let kernel = Kernel {
            root: None,
            ..kernel
        };
        assert_eq!(left(&in_memory), Some(Left::Linux(kernel)));
        assert_eq!(left(&said.replace("loader: end", "")), None);
    }

    #[test]
    fn a_core_image_without_a_device_in_its_prefix_looks_at_the_disk() {
        let core = |prefix: &str, text: Option<&str>| CoreImage {
            prefix: prefix.to_owned(),
            config: text.map(str::to_owned),
        };
        let selector = script(&core("/jump/selector", Some("boot\nsleep 10\nreboot\n")));
        assert!(selector.contains("set root=hd0\nset prefix=(hd0)/jump/selector\n"));
        assert!(selector.contains("\nloader_boot\nsleep 0\nreboot\n"));
        let distribution = script(&core("(,msdos1)/grub", None));
        assert!(distribution.contains("set root=hd0,msdos1\nset prefix=(hd0,msdos1)/grub\n"));
    }
}
