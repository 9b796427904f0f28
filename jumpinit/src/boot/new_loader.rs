//! The new system's own loader: GRUB by the image's own programs, its core image at the
//! standard place. The boot sector is turned to it elsewhere, last.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use jumpspec::boot::{BiosBoot, PlannedBoot, trial};
use jumpspec::disk::SECTOR;
use jumpspec::image::loader::{BOOT_IMAGE, NewGrub};
use jumpspec::places::{NEW_GRUB_SETTINGS, NEW_ROOT};
use jumpspec::selector::{self, NEW_SECTOR};
use jumpsys::boot::bootsector::{compose, place_core};
use jumpsys::boot::bootwrite;
use jumpsys::cmd::Program;
use jumpsys::disk::durable;
use jumpsys::files::freeze;
use jumpsys::files::root::{Owner, Root};

use crate::boot::bios::{ensure_fits, read_sector};
use crate::boot::esp;
use crate::run::context::Context;
use crate::run::new_root;

/// How long grub-install and grub-mkconfig may take; the latter is a shell script that
/// runs dozens of programs.
const GRUB_LIMIT: Duration = Duration::from_mins(15);
/// The core image among the files that grub-install leaves.
const CORE_IMAGE: &str = "core.img";
/// How long to wait for udev to see a new file system.
const UDEV_LIMIT: Duration = Duration::from_secs(10);

/// Installs GRUB's files in the new system by its own grub-install; the disk's sectors and the
/// firmware's variables are ours to write.
pub(crate) fn install(cx: &mut Context) -> Result<()> {
    new_root::mount(cx)?;
    let mut mounts = new_root::enter(cx)?;
    let disk = cx.disk.display().to_string();
    let grub = &cx.plan.loader.grub;
    let program = Program::new(grub.install.absolute())
        .arg(format!("--target={}", grub.platform))
        .arg("--boot-directory=/boot");
    let program = match cx.plan.boot.clone() {
        PlannedBoot::Bios(_) => program.args(["--no-bootsector", "--no-floppy", &disk]),
        PlannedBoot::Uefi(uefi) => {
            mounts.push(esp::mount_in_new(cx, &uefi)?);
            program
                .arg("--no-nvram")
                .arg(format!("--efi-directory={}", uefi.mount))
                .arg(format!("--bootloader-id={}", uefi.new_name))
        }
    };
    program
        .in_root(Some(&cx.on_landing(NEW_ROOT)))
        .timeout(cx.at_most(GRUB_LIMIT))
        .run()?;
    new_root::leave(mounts)
}

/// Writes GRUB's configuration by the image's own grub-mkconfig, and reads what it wrote:
/// it is known to name loop devices or partitions where udev's links are missing.
pub(crate) fn configure(cx: &mut Context) -> Result<()> {
    new_root::mount(cx)?;
    let root_fs = new_root::filesystem_of(cx, "/")?;
    wait_for_link(
        &format!("/dev/disk/by-uuid/{}", root_fs.uuid),
        &cx.partition(root_fs.number),
    )?;
    let mounts = new_root::enter(cx)?;
    let grub = &cx.plan.loader.grub;
    Program::new(grub.mkconfig.absolute())
        .arg("-o")
        .arg(format!("/{}", grub.config()))
        .in_root(Some(&cx.on_landing(NEW_ROOT)))
        .timeout(cx.at_most(GRUB_LIMIT))
        .run()?;
    new_root::leave(mounts)?;
    let root = Root::open(&cx.on_landing(NEW_ROOT))?;
    let config = root
        .read_text(&cx.plan.loader.grub.config())?
        .context("grub-mkconfig wrote no configuration")?;
    check_config(&config, &root_fs.uuid)?;
    for argument in lacking(&config, &cx.plan.loader.arguments) {
        cx.reporter.note(format!(
            "grub-mkconfig passed over {NEW_GRUB_SETTINGS}: the new kernel gets no {argument}"
        ));
    }
    begin_trial(&root, &cx.plan.loader.grub, &config)
}

/// While the new system is on trial it boots by a text of ours; the distribution's is kept.
fn begin_trial(root: &Root, grub: &NewGrub, config: &str) -> Result<()> {
    let owner = root.owner(&grub.config())?.unwrap_or(Owner::root(0o644));
    root.write(&grub.original(), config.as_bytes(), owner)?;
    let on_trial = trial::grub_config(config);
    Ok(root.write(&grub.config(), on_trial.as_bytes(), owner)?)
}

/// Puts the distribution's text back. GRUB, which replays no journal, reads the one or the other
/// after a cut anywhere in this: the names are exchanged, and only when that is settled is a file
/// freed. A rename over the text of the trial was seen to leave an empty one (`xtask
/// write-order`). A text that the distribution has written since stays.
pub(crate) fn end_trial(root: &Root, grub: &NewGrub) -> Result<()> {
    let (path, original_path) = (grub.config(), grub.original());
    let Some(original) = root.read_text(&original_path)? else {
        return Ok(());
    };
    let now = root.read_text(&path)?.unwrap_or_default();
    if now == trial::grub_config(&original) {
        root.exchange(&original_path, &path)?;
        freeze::settle(&root.path().join(grub.directory.as_str()))?;
    }
    Ok(root.remove(&original_path)?)
}

/// The arguments that not every kernel of a configuration gets.
fn lacking(config: &str, arguments: &[String]) -> Vec<String> {
    let gets = |line: &str, wanted: &str| line.split_whitespace().any(|word| word == wanted);
    let lacks = |wanted: &&String| kernel_lines(config).any(|line| !gets(line, wanted));
    arguments.iter().filter(lacks).cloned().collect()
}

/// The lines of a configuration that load a kernel.
fn kernel_lines(config: &str) -> impl Iterator<Item = &str> {
    let lines = config.lines().map(str::trim);
    lines.filter(|line| line.starts_with("linux"))
}

/// Refuses a configuration whose kernels would look for another root.
fn check_config(config: &str, root_uuid: &str) -> Result<()> {
    let kernels: Vec<&str> = kernel_lines(config).collect();
    ensure!(!kernels.is_empty(), "grub.cfg boots no kernel");
    let wanted = format!("root=UUID={root_uuid}");
    match kernels
        .iter()
        .find(|line| !line.split_whitespace().any(|word| word == wanted))
    {
        None => Ok(()),
        Some(line) => bail!("grub.cfg has a kernel without {wanted}: {line}"),
    }
}

/// udev makes the link; where no udev runs, we do.
fn wait_for_link(link: &str, device: &Path) -> Result<()> {
    let deadline = Instant::now() + UDEV_LIMIT;
    while !Path::new(link).exists() {
        if Instant::now() > deadline {
            let parent = Path::new(link).parent().unwrap_or(Path::new("/dev"));
            std::fs::create_dir_all(parent)?;
            return std::os::unix::fs::symlink(device, link)
                .with_context(|| format!("cannot link {link}"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Puts the new system's loader to its standard place, which is free since the commit; grub-install has
/// done so on an EFI system partition.
pub(crate) fn place(cx: &mut Context) -> Result<()> {
    match cx.plan.boot.clone() {
        PlannedBoot::Bios(bios) => place_core_image(cx, bios),
        PlannedBoot::Uefi(uefi) => esp::ensure_new_loader(cx, &uefi),
    }
}

/// Writes the new system's core image, and keeps its boot sector for the tries and the last turn.
fn place_core_image(cx: &mut Context, bios: BiosBoot) -> Result<()> {
    new_root::mount(cx)?;
    let root = Root::open(&cx.on_landing(NEW_ROOT))?;
    let grub = &cx.plan.loader.grub;
    let core = root
        .read(&grub.installed(CORE_IMAGE))?
        .context("grub-install left no core image")?;
    let boot_img = read_sector(&root, &grub.installed(BOOT_IMAGE))?;
    drop(root);
    new_root::unmount(cx)?;
    let area = bios.new_core;
    let placed = place_core(&core, area.start)?;
    ensure_fits(&placed, area, "the new system's core image")?;
    bootwrite::write_core(&cx.disk, area.start, &placed)?;
    let now = bootwrite::read_boot_sector(&cx.disk)?;
    let sector = compose(&boot_img, &now, area.start);
    durable::write_at(&cx.on_kept(&selector::file(NEW_SECTOR)), 0, &sector)?;
    // The selector's last resort leads here too: the old loader is no more.
    let raw = bios.old_boot_sector * SECTOR;
    Ok(durable::write_at(&cx.disk, raw, &sector)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jumpspec::image::loader::Platform;

    #[test]
    fn a_configuration_with_a_device_name_is_refused() {
        let good = "menuentry 'x' {\n\tlinux /vmlinuz root=UUID=abcd ro\n}\n";
        check_config(good, "abcd").unwrap();
        let bad = good.replace("UUID=abcd", "/dev/loop0p3");
        assert!(
            check_config(&bad, "abcd")
                .unwrap_err()
                .to_string()
                .contains("/dev/loop0p3")
        );
        assert!(check_config("", "abcd").is_err());
    }

    #[test]
    fn an_argument_that_a_kernel_does_not_get_is_found() {
        let arguments = ["ro", "noresume"].map(str::to_owned);
        assert_eq!(lacking(CONFIG, &arguments), ["noresume"]);
    }

    const CONFIG: &str = "menuentry 'x' {\n\tlinux /vmlinuz root=UUID=abcd ro\n}\n";

    fn grub() -> NewGrub {
        NewGrub {
            platform: Platform::I386Pc,
            install: "usr/sbin/grub-install".parse().unwrap(),
            mkconfig: "usr/sbin/grub-mkconfig".parse().unwrap(),
            directory: "boot/grub".parse().unwrap(),
        }
    }

    /// A root whose GRUB has `config`, on trial.
    fn on_trial(config: &str) -> (tempfile::TempDir, Root) {
        // tmpfs has no freezing: a test must not freeze the machine's own root.
        let scratch = tempfile::tempdir_in("/dev/shm").unwrap();
        std::fs::create_dir_all(scratch.path().join(grub().directory.as_str())).unwrap();
        std::fs::write(scratch.path().join(grub().config()), config).unwrap();
        let root = Root::open(scratch.path()).unwrap();
        begin_trial(&root, &grub(), config).unwrap();
        (scratch, root)
    }

    fn texts(root: &Root) -> [Option<String>; 2] {
        [grub().config(), grub().original()].map(|path| root.read_text(&path).unwrap())
    }

    #[test]
    fn the_distributions_text_is_kept_through_the_trial() {
        let (_scratch, root) = on_trial(CONFIG);
        let [now, original] = texts(&root);
        assert!(now.unwrap().contains("panic=10"));
        assert_eq!(original.unwrap(), CONFIG);
    }

    #[test]
    fn a_text_written_during_the_trial_is_not_overwritten() {
        let (_scratch, root) = on_trial(CONFIG);
        let newer = CONFIG.replace("vmlinuz", "vmlinuz-newer");
        std::fs::write(root.path().join(grub().config()), &newer).unwrap();
        end_trial(&root, &grub()).unwrap();
        assert_eq!(texts(&root), [Some(newer), None]);
    }

    #[test]
    fn ending_the_trial_twice_is_ending_it_once() {
        let (_scratch, root) = on_trial(CONFIG);
        for _ in 0..2 {
            end_trial(&root, &grub()).unwrap();
            assert_eq!(texts(&root), [Some(CONFIG.to_owned()), None]);
        }
    }
}
