//! Trees of many small files, for how cost grows: the same bytes every time.

use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context as _, Result};
use jumplab::random::SplitMix;

/// Files in a directory.
const IN_A_DIRECTORY: u64 = 1000;
/// Bytes of the smallest file.
const LEAST: u64 = 1 << 10;
/// Bytes of the largest file.
const MOST: u64 = 4 << 10;

/// What `jumpimg verify` asks of a target system besides bytes that are right.
const SYSTEM: &[&str] = &[
    "boot/initrd.img-0",
    "boot/vmlinuz-0",
    "etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
    "usr/bin/ssh-keygen",
    "bin/systemctl",
    "usr/lib/grub/i386-pc/boot.img",
    "usr/lib/grub/i386-pc/diskboot.img",
    "usr/lib/grub/i386-pc/kernel.img",
    "usr/lib/grub/i386-pc/moddep.lst",
    "usr/lib/os-release",
    "usr/lib/systemd/systemd",
    "usr/sbin/grub-install",
    "usr/sbin/grub-mkconfig",
    "usr/sbin/grub-mkimage",
    "usr/sbin/sshd",
];

/// Makes a tree with `count` small files below `root`, besides a few that make it a system.
pub(super) fn make(root: &Path, count: u64) -> Result<()> {
    for path in SYSTEM {
        let path = root.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, "ID=bench\n")?;
    }
    std::fs::create_dir(root.join("sbin"))?;
    symlink("/usr/lib/systemd/systemd", root.join("sbin/init"))?;
    let text = text()?;
    let mut random = SplitMix::new(count);
    let mut folder = root.to_path_buf();
    for number in 0..count {
        if number % IN_A_DIRECTORY == 0 {
            folder = root.join(format!("srv/{:04}", number / IN_A_DIRECTORY));
            std::fs::create_dir_all(&folder)?;
        }
        let content = content(&text, &mut random)?;
        let path = folder.join(format!("file-{number:07}.txt"));
        std::fs::write(&path, content)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// A piece of the text with a head of its own: no two files are the same, and they compress as
/// text does, also against each other.
fn content(text: &str, random: &mut SplitMix) -> Result<String> {
    let (head, place, length) = (random.draw(), random.draw(), random.draw());
    let length = usize::try_from(LEAST + length % (MOST - LEAST + 1))?;
    let mut content = format!("{head:016x}\n");
    let place = usize::try_from(place)? % (text.len() - length);
    content.push_str(&text[place..place + length - content.len()]);
    Ok(content)
}

/// 4 MiB of words of which no two runs are alike: a piece of it is in no window of a compressor
/// twice by much.
fn text() -> Result<String> {
    let (mut random, mut text) = (SplitMix::new(0), String::new());
    while text.len() < 4 << 20 {
        let letters = usize::try_from(3 + random.draw() % 6)?;
        let word = random.draw() % 4096;
        let mut spelled = format!("{:x}", word * 0x9e37_79b9);
        spelled.truncate(letters);
        write!(text, "{spelled} ")?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{LEAST, MOST, content, text};
    use jumplab::random::SplitMix;

    #[test]
    fn files_are_small_and_differ_and_are_the_same_every_time() {
        let text = text().expect("text");
        let make = || {
            let mut random = SplitMix::new(7);
            [(); 100].map(|()| content(&text, &mut random).expect("content"))
        };
        let files = make();
        assert!(
            files
                .iter()
                .all(|file| (LEAST..=MOST).contains(&(file.len() as u64)))
        );
        assert!((1..100).all(|number| files[number] != files[number - 1]));
        assert_eq!(files, make());
    }
}
