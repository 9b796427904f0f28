//! What is secret of a node, looked for where it must not be.

use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use jumplab::vm::Role;
use jumpspec::places;
use jumpspec::run::journal::{KEY_OFFSET, RESERVED_BYTES};

use crate::staged::Staged;
use jump_tests::machines::disk;

/// Read at once; one secret's length of it is read again, for those across a border.
const PIECE: usize = 16 << 20;
const OVERLAP: usize = 4096;
/// A block of the landing file system.
const BLOCK: usize = 4096;

/// The node is staged: its host key and its passwords are on the landing partition only sealed,
/// and what they are sealed with is in one sector and in no text.
pub(crate) fn are_sealed(staged: &Staged) -> Result<()> {
    let secrets = disk::with_mounted(&staged.node, Role::Root, of_node)?;
    ensure!(secrets.len() > 2, "the node has no secrets");
    let landing = disk::place(&staged.node, Role::Swap)?;
    let file = File::open(&staged.node.disk)?;
    let (mut piece, zeros) = (vec![0; PIECE], vec![0; PIECE]);
    let mut at = landing.start;
    while at < landing.end {
        let length = usize::try_from((landing.end - at).min(PIECE as u64))?;
        file.read_exact_at(&mut piece[..length], at)?;
        if piece[..length] != zeros[..length] {
            let text = String::from_utf8_lossy(&piece[..length]);
            let found = secrets.iter().any(|secret| text.contains(secret));
            ensure!(!found, "a secret lies open behind byte {at} of the disk");
        }
        at += (length - OVERLAP.min(length - 1)) as u64;
        if length < PIECE {
            break;
        }
    }
    let said = staged.push.said()?;
    disk::with_mounted(&staged.node, Role::Swap, |landing| {
        let sealed = landing.join(places::SAVED);
        let mode = sealed.metadata()?.permissions().mode() & 0o7777;
        ensure!(mode == 0o600, "{} has mode {mode:o}", sealed.display());
        ensure!(std::fs::read(sealed)?.starts_with(b"JUMPSEA1"));
        let events = std::fs::read_to_string(landing.join(places::EVENTS))?;
        let console = std::fs::read(staged.node.folder.join("console.log"))?;
        let console = String::from_utf8_lossy(&console);
        let key = in_words(&key(staged)?);
        for (place, text) in [("events", &events), ("push", &said)]
            .into_iter()
            .chain([("console", &console.into_owned())])
        {
            let shown = secrets
                .iter()
                .chain(&key)
                .any(|secret| text.contains(secret));
            ensure!(!shown, "a secret is in what the {place} said");
        }
        Ok(())
    })
}

/// A piece of the staged target image that is nowhere else.
pub(crate) fn piece_of_image(staged: &Staged) -> Result<Vec<u8>> {
    disk::with_mounted(&staged.node, Role::Swap, |landing| {
        let image = landing.join(places::IMAGES).join("target.tar.zst");
        let (file, mut piece) = (File::open(image)?, vec![0; BLOCK]);
        let middle = file.metadata()?.len() / 2 / BLOCK as u64;
        file.read_exact_at(&mut piece, middle * BLOCK as u64)?;
        Ok(piece)
    })
}

/// The key is gone, and so is the staged image, of which `piece` was a block.
pub(crate) fn are_erased(staged: &Staged, piece: &[u8]) -> Result<()> {
    let landing = disk::place(&staged.node, Role::Swap)?;
    let (file, mut block) = (File::open(&staged.node.disk)?, vec![0; BLOCK]);
    for at in (landing.start..landing.end).step_by(BLOCK) {
        file.read_exact_at(&mut block, at)?;
        ensure!(
            block != piece,
            "the staged image is still there, behind byte {at} of the disk"
        );
    }
    let sector = key_sector(staged)?;
    ensure!(
        sector.iter().all(|byte| *byte == 0),
        "the key is still there"
    );
    Ok(())
}

/// Lines of private host keys, and password hashes.
fn of_node(root: &Path) -> Result<Vec<String>> {
    let mut secrets = Vec::new();
    for entry in std::fs::read_dir(root.join("etc/ssh"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("ssh_host_") && name.ends_with("_key") {
            let text = std::fs::read_to_string(&path)?;
            // The first line of its body is the same for all of a kind.
            secrets.extend(text.lines().nth(2).map(str::to_owned));
        }
    }
    let shadow = std::fs::read_to_string(root.join("etc/shadow"))?;
    let hashes = shadow.lines().filter_map(|line| line.split(':').nth(1));
    secrets.extend(hashes.filter(|hash| hash.len() > 20).map(str::to_owned));
    Ok(secrets)
}

fn key_sector(staged: &Staged) -> Result<[u8; 512]> {
    let landing = disk::place(&staged.node, Role::Swap)?;
    let mut sector = [0; 512];
    let at = landing.end - RESERVED_BYTES + KEY_OFFSET;
    File::open(&staged.node.disk)?.read_exact_at(&mut sector, at)?;
    Ok(sector)
}

fn key(staged: &Staged) -> Result<Vec<u8>> {
    let sector = key_sector(staged)?;
    let key = sector
        .strip_prefix(b"JUMPKEY1")
        .context("there is no key")?;
    Ok(key[..32].to_vec())
}

/// Half a key, as somebody's `{:?}` or `{:x}` would show it.
fn in_words(key: &[u8]) -> Vec<String> {
    let mut hex = String::new();
    for byte in &key[..16] {
        write!(hex, "{byte:02x}").ok();
    }
    let list = format!("{:?}", &key[..16]);
    vec![hex, list.trim_matches(['[', ']']).to_owned()]
}
