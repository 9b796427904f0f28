//! What [`loader::choose`] says of a disk with the selector's core image in place: that it believes
//! nothing but the disk, and calls lost what is.

use anyhow::{Result, ensure};
use jumplab::vm::loader::{self, Choice, EMU, FSTEST};
use jumpspec::boot::environment::State;
use jumpspec::selector::{Actions, Doubt};

use crate::Case;
use crate::disk::{Disk, Landing, OFFSET};
use crate::firmware::{CORE, GRUB, armed};

const NEEDS: &[&str] = &[EMU, FSTEST, "grub-mkimage", GRUB, "mke2fs", "debugfs"];

pub(crate) fn cases() -> Vec<Case> {
    let case = |name: &str, check: fn() -> Result<()>| Case {
        name: format!("loader::{name}"),
        needs: NEEDS,
        run: Box::new(check),
    };
    vec![
        case("jump_once_is_chosen_and_spent_on_the_disk", once),
        case("garbage_for_a_script_leads_to_its_spare", spare),
        case(
            "an_embedded_kernel_is_chosen_when_both_scripts_are_gone",
            embedded,
        ),
        case(
            "an_embedded_kernel_without_its_initramfs_is_lost",
            no_initramfs,
        ),
        case("a_boot_sector_without_grub_is_lost", no_grub),
        case("a_torn_core_image_is_lost", torn_core),
        case("a_jump_system_that_is_not_the_staged_one_is_lost", flipped),
        case("no_landing_file_system_is_lost", no_landing),
        case("several_choose_at_once", several),
    ]
}

fn landing(state: State) -> Landing {
    Landing::new(state, b"the kernel", Doubt::Jump, &Actions::Real)
}

fn chooses_jump(disk: &Disk) -> Result<()> {
    let boot = loader::choose(&disk.image)?;
    ensure!(
        boot.choice == Choice::Jump,
        "{:?}:\n{}",
        boot.choice,
        boot.log
    );
    Ok(())
}

/// Fails unless nothing is booted, for that reason.
fn is_lost(disk: &Disk, reason: &str) -> Result<()> {
    let Err(error) = loader::choose(&disk.image) else {
        anyhow::bail!("something is booted");
    };
    let said = format!("{error:#}");
    ensure!(said.contains(reason), "no {reason:?} in:\n{said}");
    Ok(())
}

fn once() -> Result<()> {
    let disk = armed(&landing(State::Once))?;
    chooses_jump(&disk)?;
    ensure!(disk.state()? == Some(State::Old), "the try was not spent");
    // The old system's boot sector, an empty file here, leads to its raw copy, which is zeros.
    is_lost(&disk, "none of GRUB's")
}

fn spare() -> Result<()> {
    let config = Some(b"}} if ( $ {\n'\"\\\n\0\xff function { if\n".to_vec());
    chooses_jump(&armed(&Landing {
        config,
        ..landing(State::Jump)
    })?)
}

/// No script, and an embedded config that boots these by itself, then the old boot sector.
fn last_resort(kernel: &str, initramfs: &str) -> Result<Disk> {
    let mut landing = Landing {
        config: None,
        spare: None,
        ..landing(State::Jump)
    };
    landing.embedded = landing
        .embedded
        .replace("/boot/vmlinuz-6.1", &format!("/boot/{kernel}"))
        .replace("/boot/initrd.img-6.1", &format!("/boot/{initramfs}"));
    armed(&landing)
}

fn embedded() -> Result<()> {
    chooses_jump(&last_resort("vmlinuz-6.1", "initrd.img-6.1")?)?;
    // Nothing to load: the line is passed over, and the next resort's turn comes.
    is_lost(&last_resort("none", "initrd.img-6.1")?, "none of GRUB's")
}

fn no_initramfs() -> Result<()> {
    is_lost(&last_resort("vmlinuz-6.1", "none")?, "no initramfs for")
}

fn no_grub() -> Result<()> {
    let disk = armed(&landing(State::Jump))?;
    disk.write_at(0x80, &[0; 0x138])?;
    is_lost(&disk, "none of GRUB's")
}

fn torn_core() -> Result<()> {
    for sector in [CORE, CORE + 1, CORE + 100] {
        let disk = armed(&landing(State::Jump))?;
        disk.write_at(sector * 512, &[0; 512])?;
        is_lost(&disk, "the core image at sector")?;
    }
    Ok(())
}

fn flipped() -> Result<()> {
    let mut landing = landing(State::Jump);
    landing.kernel[3] ^= 1;
    is_lost(&armed(&landing)?, "says was staged")
}

fn no_landing() -> Result<()> {
    let disk = armed(&landing(State::Jump))?;
    disk.write_at(OFFSET, &vec![0; 65536])?;
    is_lost(&disk, "none of GRUB's")
}

fn several() -> Result<()> {
    let disks = [(); 4].map(|()| armed(&landing(State::Once)));
    std::thread::scope(|scope| {
        let threads = disks.map(|disk| scope.spawn(move || chooses_jump(&disk?)));
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().expect("no panic"))
    })
}
