//! The core image under a real BIOS (QEMU): it is small enough, it runs its embedded
//! config with the rescue parser, boots kernels and boot sectors, and writes its block.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;
use jumpspec::boot::environment::State;
use jumpspec::image::loader::SELECTOR_MODULES;
use jumpspec::selector::{Actions, Doubt, PREFIX};

use crate::Case;
use crate::disk::{Disk, Landing, OFFSET, OLD_COPY};
use crate::programs::{run, run_for, text};

pub(crate) const GRUB: &str = "/usr/lib/grub/i386-pc/boot.img";
const MKIMAGE: &[&str] = &["grub-mkimage", GRUB];
const NEEDS: &[&str] = &[
    "qemu-system-x86_64",
    "grub-mkimage",
    GRUB,
    "mke2fs",
    "debugfs",
];
/// Where the core image goes, as beside an old one at sector 1.
pub(crate) const CORE: u64 = 1024;
/// Upper limit of the core image, in bytes.
const CORE_BYTES: usize = 320 << 10;

pub(crate) fn cases() -> Vec<Case> {
    let case = |name: &str, needs, check: fn() -> anyhow::Result<()>| Case {
        name: format!("bios::{name}"),
        needs,
        run: Box::new(check),
    };
    vec![
        case("the_core_image_is_small", MKIMAGE, size),
        case("jump_boots_once_and_then_old", NEEDS, once),
        case("the_new_system_has_its_tries_and_then_jump", NEEDS, tries),
        case("a_flipped_kernel_boots_old", NEEDS, flipped),
        case("a_kernel_that_is_none_boots_old", NEEDS, no_kernel),
        case("no_script_boots_the_jump_system", NEEDS, no_script),
        case(
            "a_lost_landing_file_system_boots_the_raw_old_sector",
            NEEDS,
            lost,
        ),
    ]
}

fn landing(state: State) -> Landing {
    let mut landing = Landing::new(state, &kernel(), Doubt::Old, &Actions::Real);
    landing.old_sector = boot_sector(*b"OLD");
    landing.new_sector = boot_sector(*b"NEW");
    landing.embedded = format!(
        "serial --unit=0 --speed=115200\nterminal_output console serial\n{}",
        landing.embedded
    );
    landing
}

fn size() -> anyhow::Result<()> {
    let core = core(&landing(State::Old).embedded)?;
    println!(
        "core image: {} bytes, {} sectors",
        core.len(),
        core.len().div_ceil(512)
    );
    ensure!(core.len() <= CORE_BYTES, "{} bytes", core.len());
    Ok(())
}

fn once() -> anyhow::Result<()> {
    let disk = armed(&landing(State::Once))?;
    boots(&disk, "[JMP]", "once")?;
    ensure!(disk.state()? == Some(State::Old));
    // The BIOS number of the boot disk is handed on.
    boots(&disk, "[OLD]\u{fffd}", "says old")
}

fn tries() -> anyhow::Result<()> {
    let disk = armed(&landing(State::Try(2)))?;
    boots(&disk, "[NEW]\u{fffd}", "1 tries left")?;
    boots(&disk, "[NEW]", "0 tries left")?;
    ensure!(disk.state()? == Some(State::Try(0)));
    boots(&disk, "[JMP]", "had its tries")
}

fn flipped() -> anyhow::Result<()> {
    let mut landing = landing(State::Once);
    landing.kernel[1500] ^= 1;
    let disk = armed(&landing)?;
    boots(&disk, "[OLD]", "not what was staged")
}

fn no_kernel() -> anyhow::Result<()> {
    let mut landing = landing(State::Once);
    // Not zeros: GRUB 2.06 cannot read an ext4 file that is one hole.
    landing.kernel = vec![0x90; 4096];
    let hash = jumpspec::words::digest::Digest::of(&landing.kernel).to_string();
    landing.hashes[0].replace_range(..hash.len(), &hash);
    let disk = armed(&landing)?;
    boots(&disk, "[OLD]", "starting the jump system, once")?;
    ensure!(disk.state()? == Some(State::Old));
    Ok(())
}

fn no_script() -> anyhow::Result<()> {
    let mut landing = landing(State::Once);
    landing.config = None;
    landing.spare = Some(b"if (".to_vec());
    boots(&armed(&landing)?, "[JMP]", "no selector script")
}

fn lost() -> anyhow::Result<()> {
    let disk = armed(&landing(State::Once))?;
    disk.write_at(OFFSET, &vec![0; 65536])?;
    boots(&disk, "[OLD]", "no selector script")
}

/// Boots the disk until the booted program turns the machine off.
fn boots(disk: &Disk, what: &str, says: &str) -> anyhow::Result<()> {
    let serial = disk.folder.path().join("serial.log");
    let mut command = Command::new("qemu-system-x86_64");
    command
        .args([
            "-accel",
            "tcg",
            "-m",
            "64",
            "-display",
            "none",
            "-nic",
            "none",
            "-no-reboot",
        ])
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=1"])
        .arg("-drive")
        .arg(format!("file={},format=raw,if=ide", disk.image.display()))
        .arg("-serial")
        .arg(format!("file:{}", serial.display()));
    let output = disk.folder.path().join("qemu.log");
    let ended = run_for(Duration::from_secs(90), &output, &mut command);
    let log = text(&serial)?;
    let ended = ended.map_err(|error| error.context(log.clone()))?;
    ensure!(log.contains(what), "no {what}: {ended}\n{log}");
    ensure!(log.contains(says), "{says:?} was not said:\n{log}");
    Ok(())
}

/// A disk with the selector's core image and boot sector.
pub(crate) fn armed(landing: &Landing) -> anyhow::Result<Disk> {
    let disk = Disk::new(landing)?;
    let mut core = core(&landing.embedded)?;
    core.resize(core.len().next_multiple_of(512), 0);
    // diskboot's blocklist: start, count, segment (GRUB, boot/i386/pc/diskboot.S).
    let rest = u16::try_from(core.len() / 512 - 1)?;
    core[0x1f4..0x1fc].copy_from_slice(&(CORE + 1).to_le_bytes());
    core[0x1fc..0x1fe].copy_from_slice(&rest.to_le_bytes());
    core[0x1fe..0x200].copy_from_slice(&0x820_u16.to_le_bytes());
    disk.write_at(CORE * 512, &core)?;
    let mut sector = fs::read(GRUB)?;
    sector[0x5c..0x64].copy_from_slice(&CORE.to_le_bytes());
    sector[0x1b8..0x200].copy_from_slice(&disk.sector(0)?[0x1b8..]);
    disk.write_at(0, &sector)?;
    disk.write_at(OLD_COPY * 512, &landing.old_sector)?;
    Ok(disk)
}

fn core(embedded: &str) -> anyhow::Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("embedded.cfg");
    let image = folder.path().join("core.img");
    fs::write(&config, embedded)?;
    run(Command::new("grub-mkimage")
        .args(["-O", "i386-pc", "-p", PREFIX, "-c"])
        .arg(&config)
        .arg("-o")
        .arg(&image)
        .args(SELECTOR_MODULES))?;
    Ok(fs::read(image)?)
}

/// Machine code that writes `[WORD]` and the register DL to the first serial port and
/// turns QEMU off; the opcodes with 8-bit operands are the same in 16 and 32 bits.
fn program(word: [u8; 3], set_dx: impl Fn(u16) -> Vec<u8>) -> Vec<u8> {
    let mut code = vec![0x88, 0xd3]; // mov bl, dl
    code.extend(set_dx(0x3f8));
    for byte in [b"[", &word[..], b"]"].concat() {
        code.extend([0xb0, byte, 0xee]); // mov al, byte; out dx, al
    }
    code.extend([0x88, 0xd8, 0xee]); // mov al, bl; out dx, al
    code.extend(set_dx(0xf4));
    code.extend([0xee, 0xfa, 0xf4, 0xeb, 0xfd]); // out dx, al; cli; hlt; jmp
    code
}

fn boot_sector(word: [u8; 3]) -> Vec<u8> {
    let [low, high] = [
        |port: u16| port.to_le_bytes()[0],
        |port: u16| port.to_le_bytes()[1],
    ];
    let mut sector = program(word, |port| vec![0xba, low(port), high(port)]);
    sector.resize(510, 0);
    sector.extend([0x55, 0xaa]);
    sector
}

/// The smallest kernel that GRUB takes (Linux, Documentation/arch/x86/boot.rst): a
/// boot sector, one sector of setup, and code that runs at 1 MiB in protected mode.
fn kernel() -> Vec<u8> {
    let mut image = vec![0; 1024];
    image[0x1f1] = 1; // setup_sects
    image[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    image[0x200..0x202].copy_from_slice(&[0xeb, 0x66]);
    image[0x202..0x206].copy_from_slice(b"HdrS");
    image[0x206..0x208].copy_from_slice(&0x0206_u16.to_le_bytes());
    image[0x211] = 1; // loadflags: LOADED_HIGH
    image[0x214..0x218].copy_from_slice(&0x0010_0000_u32.to_le_bytes());
    image[0x22c..0x230].copy_from_slice(&0x37ff_ffff_u32.to_le_bytes()); // initrd_addr_max
    image[0x238..0x23c].copy_from_slice(&255_u32.to_le_bytes()); // cmdline_size
    let code = program(*b"JMP", |port| {
        let [low, high] = port.to_le_bytes();
        vec![0x66, 0xba, low, high]
    });
    image.extend(code);
    image.resize(4096, 0);
    image
}
