//! A disk image with an MBR and one ext4 partition: the landing file system with the
//! selector's files.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use jumpspec::boot::Loaders;
use jumpspec::boot::bios::env_block;
use jumpspec::boot::environment::State;
use jumpspec::selector::{
    Actions, BootFile, CONFIG, DIRECTORY, Doubt, ENV, HASHES, NEW_SECTOR, OLD_SECTOR, Parts,
    SPARE_CONFIG, Selector,
};
use jumpspec::words::digest::Digest;
use tempfile::TempDir;

use crate::programs::run;

/// First byte of the partition.
pub(crate) const OFFSET: u64 = 1 << 20;
const PARTITION_BYTES: u64 = 16 << 20;
/// UUID of the landing file system.
pub(crate) const UUID: &str = "11111111-2222-3333-4444-555555555555";
/// The sector with the raw copy of the old boot sector.
pub(crate) const OLD_COPY: u64 = 1000;

/// What lies on the landing file system; `None` is a missing file.
pub(crate) struct Landing {
    pub(crate) env: Option<Vec<u8>>,
    /// Bytes of a hole behind the environment block: GRUB refuses to write such a file.
    pub(crate) env_hole: u64,
    pub(crate) kernel: Vec<u8>,
    pub(crate) initramfs: Vec<u8>,
    pub(crate) config: Option<Vec<u8>>,
    pub(crate) spare: Option<Vec<u8>>,
    pub(crate) hashes: [String; 2],
    pub(crate) old_sector: Vec<u8>,
    pub(crate) new_sector: Vec<u8>,
    pub(crate) embedded: String,
}

impl Landing {
    /// Everything as staged.
    pub(crate) fn new(state: State, kernel: &[u8], doubt: Doubt, actions: &Actions) -> Self {
        let initramfs = vec![0x5a; 50_000];
        let file = |path: &str, content: &[u8]| BootFile {
            path: path.parse().unwrap(),
            digest: Some(Digest::of(content)),
        };
        let selector = Selector::new(Parts {
            landing_uuid: UUID.to_owned(),
            directory: DIRECTORY.parse().unwrap(),
            kernel: file("boot/vmlinuz-6.1", kernel),
            initramfs: file("boot/initrd.img-6.1", &initramfs),
            arguments: vec!["root=UUID=1".to_owned(), "panic=10".to_owned()],
            loaders: Loaders::Sectors { raw_copy: OLD_COPY },
            serial: None,
            doubt,
        })
        .unwrap();
        let config = selector.config(actions).into_bytes();
        Self {
            env: Some(block(state)),
            env_hole: 0,
            kernel: kernel.to_vec(),
            initramfs,
            spare: Some(config.clone()),
            config: Some(config),
            hashes: selector.hash_lists().map(Option::unwrap_or_default),
            old_sector: Vec::new(),
            new_sector: Vec::new(),
            embedded: selector.embedded_config(actions),
        }
    }

    fn write(&self, root: &Path) -> anyhow::Result<()> {
        let selector = root.join(DIRECTORY);
        fs::create_dir_all(&selector)?;
        fs::create_dir_all(root.join("boot"))?;
        fs::write(root.join("boot/vmlinuz-6.1"), &self.kernel)?;
        fs::write(root.join("boot/initrd.img-6.1"), &self.initramfs)?;
        for (name, text) in HASHES.iter().zip(&self.hashes) {
            fs::write(selector.join(name), text)?;
        }
        fs::write(selector.join(OLD_SECTOR), &self.old_sector)?;
        fs::write(selector.join(NEW_SECTOR), &self.new_sector)?;
        for (name, text) in [(CONFIG, &self.config), (SPARE_CONFIG, &self.spare)] {
            if let Some(text) = text {
                fs::write(selector.join(name), text)?;
            }
        }
        if let Some(env) = &self.env {
            let mut file = fs::File::create(selector.join(ENV))?;
            file.write_all(env)?;
            file.set_len(env.len() as u64 + self.env_hole)?;
        }
        Ok(())
    }
}

/// The 1024 bytes of an environment block.
pub(crate) fn block(state: State) -> Vec<u8> {
    let mut text = String::from("# GRUB Environment Block\n");
    for (name, value) in env_block(state, "run-1") {
        text.extend([name.as_str(), "=", &value, "\n"]);
    }
    let mut bytes = text.into_bytes();
    bytes.resize(1024, b'#');
    bytes
}

/// A disk image in a folder of its own.
pub(crate) struct Disk {
    pub(crate) folder: TempDir,
    pub(crate) image: PathBuf,
}

impl Disk {
    /// Makes the disk; only its partition table and partition are filled.
    pub(crate) fn new(landing: &Landing) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let image = folder.path().join("disk.img");
        let root = folder.path().join("root");
        landing.write(&root)?;
        let mut file = fs::File::create(&image)?;
        file.set_len(OFFSET + PARTITION_BYTES)?;
        file.write_all(&table())?;
        run(Command::new("mke2fs")
            .args(["-q", "-t", "ext4", "-U", UUID, "-E"])
            .arg(format!("offset={OFFSET}"))
            .arg("-d")
            .args([&root, &image])
            .arg(format!("{}k", PARTITION_BYTES / 1024)))?;
        Ok(Self { folder, image })
    }

    /// The state that the environment block holds now.
    pub(crate) fn state(&self) -> anyhow::Result<Option<State>> {
        let device = format!("{}?offset={OFFSET}", self.image.display());
        let request = format!("cat /{DIRECTORY}/{ENV}");
        let block = run(Command::new("debugfs").args(["-R", &request, &device]))?;
        let text = String::from_utf8_lossy(&block).into_owned();
        Ok(State::read(|name| {
            let mut pairs = text.lines().filter_map(|line| line.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        }))
    }

    /// Overwrites bytes of the disk.
    pub(crate) fn write_at(&self, offset: u64, bytes: &[u8]) -> anyhow::Result<()> {
        let mut file = fs::File::options().write(true).open(&self.image)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(file.write_all(bytes)?)
    }

    /// Reads one sector.
    pub(crate) fn sector(&self, number: u64) -> anyhow::Result<[u8; 512]> {
        let mut file = fs::File::open(&self.image)?;
        file.seek(SeekFrom::Start(number * 512))?;
        let mut bytes = [0; 512];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// An MBR with one active Linux partition.
fn table() -> [u8; 512] {
    let mut sector = [0; 512];
    let entry = [0x80, 0, 2, 0, 0x83, 0xfe, 0xff, 0xff];
    sector[0x1be..0x1c6].copy_from_slice(&entry);
    let sectors = |bytes: u64| u32::try_from(bytes / 512).unwrap().to_le_bytes();
    sector[0x1c6..0x1ca].copy_from_slice(&sectors(OFFSET));
    sector[0x1ca..0x1ce].copy_from_slice(&sectors(PARTITION_BYTES));
    sector[0x1fe..].copy_from_slice(&[0x55, 0xaa]);
    sector
}
