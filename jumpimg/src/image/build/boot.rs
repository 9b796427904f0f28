//! What an image holds that its tree does not: no identity of the golden host, and in
//! a jump image jumpinit as `/etc/rc.local` with something that runs it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jumparchive::{Tree, Virtual, VirtualKind};
use jumpspec::image::kind::Kind;
use jumpspec::image::manifest::Init;
use jumpspec::words::relpath::RelPath;

use super::settings::Settings;
use super::stored;
use crate::error::{Exit, Trouble};
use crate::image::elf;

/// Nodes that are put into the image.
pub(crate) type Extras = Vec<(RelPath, Virtual)>;

const RC_LOCAL: &str = "etc/rc.local";
/// systemd-rc-local-generator(8): pulls in the unit if the file is executable.
const GENERATOR: &str = "usr/lib/systemd/system-generators/systemd-rc-local-generator";
/// systemd's own unit, for systems that come without it.
const UNIT: &str = "[Unit]
Description=jump
After=network-online.target
Wants=network-online.target

[Service]
Type=forking
ExecStart=/etc/rc.local start
TimeoutSec=infinity
RemainAfterExit=yes
GuessMainPID=no

[Install]
WantedBy=multi-user.target
";
/// The script that sysvinit needs to start it.
const SCRIPT: &str = "#!/bin/sh
### BEGIN INIT INFO
# Provides:          rc.local
# Required-Start:    $all
# Required-Stop:
# Default-Start:     2 3 4 5
# Default-Stop:
# Short-Description: Run /etc/rc.local
### END INIT INFO
[ \"$1\" = start ] && exec /etc/rc.local start
exit 0
";

/// What is put into the image.
pub(crate) fn extras(tree: &Tree, settings: &Settings) -> Result<Extras, Trouble> {
    let mut extras = Builder {
        mtime: mtime(tree),
        nodes: Extras::new(),
    };
    // machine-id(5): empty means that the first boot makes one.
    if tree.is_file("etc/machine-id") {
        extras.put("etc/machine-id", 0o444, VirtualKind::File(Vec::new()))?;
    }
    let old = "var/lib/dbus/machine-id";
    if tree.is_file(old) && matches!(tree.read_link(old), Ok(None)) {
        extras.put(
            old,
            0o777,
            VirtualKind::Symlink("/etc/machine-id".to_owned()),
        )?;
    }
    if settings.recipe.kind == Kind::Jump {
        extras.put(RC_LOCAL, 0o755, VirtualKind::File(jumpinit(settings)?))?;
        match stored::init(tree) {
            Some(Init::Systemd) if !generator_knows_it(tree) => extras.add_unit(tree)?,
            Some(Init::Sysvinit) if !runlevel_has_it(tree) => extras.add_script()?,
            _ => {}
        }
    }
    Ok(extras.nodes)
}

struct Builder {
    mtime: i64,
    nodes: Extras,
}

impl Builder {
    fn put(&mut self, path: &str, mode: u32, kind: VirtualKind) -> Result<(), Trouble> {
        let path = path.parse().map_err(anyhow::Error::new)?;
        self.nodes.push((
            path,
            Virtual {
                kind,
                mode,
                mtime: self.mtime,
            },
        ));
        Ok(())
    }

    fn add_unit(&mut self, tree: &Tree) -> Result<(), Trouble> {
        let wants = "etc/systemd/system/multi-user.target.wants";
        if !tree.is_directory(wants) {
            self.put(wants, 0o755, VirtualKind::Directory)?;
        }
        let unit = "etc/systemd/system/rc-local.service";
        self.put(unit, 0o644, VirtualKind::File(UNIT.into()))?;
        let link = VirtualKind::Symlink(format!("/{unit}"));
        self.put(&format!("{wants}/rc-local.service"), 0o777, link)
    }

    fn add_script(&mut self) -> Result<(), Trouble> {
        self.put(
            "etc/init.d/rc.local",
            0o755,
            VirtualKind::File(SCRIPT.into()),
        )?;
        for level in 2..=5 {
            let link = VirtualKind::Symlink("../init.d/rc.local".to_owned());
            self.put(&format!("etc/rc{level}.d/S99rc.local"), 0o777, link)?;
        }
        Ok(())
    }
}

/// The clock is not asked: the same tree gives the same image on any day.
fn mtime(tree: &Tree) -> i64 {
    let of = |path| tree.stat(path).ok().flatten().map(|stat| stat.st_mtime);
    of("usr/lib/os-release")
        .or_else(|| of(""))
        .unwrap_or_default()
}

/// Whether the tree's generator looks for `/etc/rc.local`; elsewhere it is
/// `/etc/rc.d/rc.local`.
fn generator_knows_it(tree: &Tree) -> bool {
    let generator = tree
        .read(GENERATOR, 16 << 20)
        .ok()
        .flatten()
        .unwrap_or_default();
    let name = b"/etc/rc.local\0";
    generator.windows(name.len()).any(|window| window == name)
        && ["usr/lib", "lib"]
            .iter()
            .any(|lib| tree.is_file(&format!("{lib}/systemd/system/rc-local.service")))
}

fn runlevel_has_it(tree: &Tree) -> bool {
    let names = tree.list("etc/rc2.d").unwrap_or_default();
    tree.is_file("etc/init.d/rc.local")
        && names
            .iter()
            .any(|name| name.starts_with('S') && name.ends_with("rc.local"))
}

fn jumpinit(settings: &Settings) -> Result<Vec<u8>, Trouble> {
    let path = match &settings.jumpinit {
        Some(path) => path.clone(),
        None => beside_this_program()?,
    };
    let shown = path.display();
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {shown}"));
    let bytes = bytes.map_err(|error| {
        Trouble::failed("no-jumpinit", &error).hint("name the static jumpinit with --jumpinit FILE")
    })?;
    match elf::needs(&bytes) {
        Some(needs) if needs.is_static() => Ok(bytes),
        found => Err(not_static(&path, found.as_ref())),
    }
}

fn beside_this_program() -> Result<PathBuf, Trouble> {
    let own = std::env::current_exe().context("cannot find this program's own path")?;
    Ok(own.with_file_name("jumpinit"))
}

fn not_static(path: &Path, found: Option<&elf::Needs>) -> Trouble {
    let why = match found.and_then(|needs| needs.interpreter.as_deref()) {
        Some(interpreter) => format!("is not static: it needs {interpreter}"),
        None if found.is_some() => "is not static: it needs shared libraries".to_owned(),
        None => "is not a 64-bit ELF program".to_owned(),
    };
    Trouble::new(
        Exit::Refused,
        "jumpinit-not-static",
        format!("{} {why}", path.display()),
    )
    .hint("build it with `cargo xtask dist`")
}
