//! Untrusted images: front, frame table and records.
//!
//! A front ends with its own digest and names that of the frame table, which names those of
//! the records, so bytes that are merely changed would be refused at once and nothing behind
//! the digests ever be tried. Hence the input is the front's JSON, a NUL, the length of the
//! table (4 bytes), the frame table and the records of one frame, all before compression;
//! digests and lengths that follow from those are set right here, and everything else stays
//! as it came.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use jumpspec::image::kind::Kind;
use jumpspec::image::loader::{Loader, Platform};
use jumpspec::image::manifest::{Budget, Init, Kernel, Manifest};
use jumpspec::node::network::NetworkStack;
use jumpspec::node::os_release::OsRelease;
use jumpspec::words::digest::Digest;
use jumpspec::words::size::Size;
use rustix::fs::{MemfdFlags, memfd_create};
use serde_json::Value;

use crate::image::format::{self, FRONT, FRONT_TAG, Front, INDEX_TAG, IndexPlace, PREFIX, VERSION};
use crate::image::index::{self, FrameInfo, FrameKind, IndexEntry};
use crate::image::opened::Image;
use crate::tar::entry::{Entry, EntryKind};
use crate::tar::mtime::Mtime;

/// Bytes of a digest in hex and a newline, at the front's end.
const SEAL: usize = 65;

/// Bytes of frames at most; they are a hole in the file.
const FRAMES: u64 = 1 << 20;

/// Opens an image and reads its index. Asserts that the frames add up and that the index
/// gives as many entries as it says.
pub fn image(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == 0);
    let (json, rest) = data.split_at(end.unwrap_or(data.len()));
    let Some((length, rest)) = rest.get(1..).and_then(|rest| rest.split_first_chunk::<4>()) else {
        return;
    };
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (table, records) = rest.split_at(length.min(rest.len()));
    let Some(file) = assemble(json, table, records) else {
        return;
    };
    let Ok(image) = Image::open(file) else { return };
    let lengths = image
        .frames()
        .iter()
        .map(|frame| u64::from(frame.raw_length));
    assert_eq!(image.raw_length(), lengths.sum::<u64>());
    for frame in 0..image.frames().len() {
        let parts = image.parts(frame);
        assert!(image.head(frame) <= frame && parts.end <= image.frames().len());
    }
    if let Ok(entries) = image.entries() {
        let sound = entries.take_while(Result::is_ok).count() as u64;
        assert!(sound <= image.entry_count());
    }
}

/// An input that opens, which is asserted: front and index of an image with a few entries.
pub fn image_seed() -> Vec<u8> {
    let kinds = [
        ("etc/hostname", EntryKind::File),
        ("etc/mtab", EntryKind::Symlink(b"/proc/mounts".to_vec())),
    ];
    let records: Vec<IndexEntry> = (0..)
        .zip(kinds)
        .map(|(place, (path, kind))| {
            let digest = (kind == EntryKind::File).then_some([7; 32]);
            IndexEntry::new(&entry(path, kind), (0, 512 * place), digest)
        })
        .collect();
    let records = index::encode_records(&records).expect("memory takes it");
    let frame = |kind, entries| FrameInfo {
        kind,
        length: 1000,
        raw_length: 4096,
        digest: [9; 32],
        entries,
        records_length: entries,
        records_raw_length: entries,
        records_digest: [0; 32],
    };
    let frames = [
        frame(FrameKind::Files, 2),
        frame(FrameKind::Part, 0),
        frame(FrameKind::End, 0),
    ];
    let table = index::encode_table(&frames).expect("memory takes it");
    let place = IndexPlace {
        offset: FRONT as u64 + 3000,
        length: 0,
        table_length: 0,
        digest: Digest::of(b""),
        records_digest: Digest::of(b""),
        frames: 3,
        entries: 2,
    };
    let front = Front {
        version: VERSION,
        manifest: Some(manifest(&place)),
        index: place,
    };
    let json = serde_json::to_vec(&front).expect("JSON");
    let file = assemble(&json, &table, &records).expect("it is small");
    let image = Image::open(file).expect("the seed opens");
    assert_eq!(
        image.entries().expect("it has an index").flatten().count(),
        2
    );
    let length = u32::try_from(table.len()).expect("it is small");
    [&json[..], &[0], &length.to_le_bytes(), &table, &records].concat()
}

fn entry(path: &str, kind: EntryKind) -> Entry {
    Entry {
        path: path.into(),
        kind,
        mode: 0o755,
        uid: 0,
        gid: 3_000_000,
        mtime: Mtime {
            seconds: -1,
            nanoseconds: 5,
        },
        size: 0,
        xattrs: Vec::new(),
        map: None,
    }
}

fn manifest(place: &IndexPlace) -> Manifest {
    let path = |text: &str| text.parse().expect("a path below the root");
    Manifest {
        format: jumpspec::image::manifest::FORMAT,
        tool: "fuzz".to_owned(),
        kind: Kind::Jump,
        name: "seed".to_owned(),
        os: OsRelease::parse("ID=debian\nVERSION_ID=12\n"),
        architecture: "x86_64".to_owned(),
        kernels: vec![Kernel {
            release: "6.1".to_owned(),
            image: path("boot/vmlinuz-6.1"),
            image_digest: Digest::of(b""),
            initramfs: Some(path("boot/initrd.img-6.1")),
            initramfs_digest: Some(Digest::of(b"")),
        }],
        init: Some(Init::Systemd),
        network: vec![NetworkStack::Networkd],
        sshd: true,
        first_boot: None,
        sshd_user: Some("sshd".to_owned()),
        openssh: Some("9.2p1".to_owned()),
        accounts: None,
        shells: Vec::new(),
        selinux: None,
        grub_pc: false,
        plan_format: jumpspec::image::manifest::PLAN_FORMAT,
        signed: None,
        loaders: vec![Loader {
            platform: Platform::I386Pc,
            modules: path("usr/lib/grub/i386-pc"),
            lacks: Vec::new(),
            mkimage: path("usr/bin/grub-mkimage"),
            install: path("usr/sbin/grub-install"),
            mkconfig: None,
            directory: path("boot/grub"),
            bls: false,
        }],
        filesystems: vec!["ext4".to_owned()],
        mountable: Vec::new(),
        initramfs_codecs: None,
        unfit_drivers: Vec::new(),
        toolbox: vec![path("usr/sbin/mke2fs")],
        programs: Vec::new(),
        obstacles: jumpspec::image::obstacle::Obstacles::new(),
        unpacked: Size::mib(1),
        directories: [("etc".to_owned(), Size(4096))].into(),
        entries: place.entries,
        inodes: 4,
        budget: Budget {
            compressed: Some(Size::mib(180)),
            unpacked: None,
        },
        index_digest: place.digest,
    }
}

/// The image that the parts of an input make; none where they are too large for one.
fn assemble(json: &[u8], table: &[u8], records: &[u8]) -> Option<File> {
    let compressed = zstd::bulk::compress(records, 1).ok()?;
    let table = with_records(table, records, compressed.len());
    let compressed_table = zstd::bulk::compress(&table, 1).ok()?;
    let payload = (compressed.len() + compressed_table.len()) as u64;
    let lengths = (PREFIX as u64 + payload, compressed_table.len() as u64);
    let (json, offset) = set_right(json, &table, lengths);
    let room = FRONT.checked_sub(SEAL + PREFIX + json.len())?;
    let mut front = format::prefix(FRONT_TAG, (FRONT - PREFIX) as u64)?.to_vec();
    front.extend(json);
    front.resize(front.len() + room, b' ');
    front.extend(format!("{}\n", Digest::of(&front)).into_bytes());
    let index = [
        &format::prefix(INDEX_TAG, payload)?[..],
        &compressed,
        &compressed_table,
    ];
    let file = File::from(memfd_create("image", MemfdFlags::CLOEXEC).ok()?);
    file.write_all_at(&front, 0).ok()?;
    file.write_all_at(&index.concat(), offset).ok()?;
    Some(file)
}

/// The table with the place of the records set right, which all belong to the first frame
/// that has some. What is no table stays as it is.
fn with_records(table: &[u8], records: &[u8], compressed: usize) -> Vec<u8> {
    let Ok(mut frames) = index::decode_table(table) else {
        return table.to_vec();
    };
    let mut left = Some(records);
    for frame in frames.iter_mut().filter(|frame| frame.records_length > 0) {
        let own = left.take().unwrap_or_default();
        let length = if own.is_empty() { 0 } else { compressed };
        frame.records_length = u32::try_from(length).unwrap_or(u32::MAX);
        frame.records_raw_length = u32::try_from(own.len()).unwrap_or(u32::MAX);
        frame.records_digest = *Digest::of(own).as_bytes();
    }
    index::encode_table(&frames).unwrap_or_else(|_| table.to_vec())
}

/// The front's JSON with the table's digest, the lengths, and where the index is. What is
/// no front stays as it is.
fn set_right(json: &[u8], table: &[u8], (length, table_length): (u64, u64)) -> (Vec<u8>, u64) {
    let after_front = FRONT as u64;
    let Ok(mut front) = serde_json::from_slice::<Value>(json) else {
        return (json.to_vec(), after_front);
    };
    let digest = Digest::of(table).to_string();
    if let Some(manifest) = front.get_mut("manifest").and_then(Value::as_object_mut) {
        manifest.insert("index_digest".to_owned(), digest.clone().into());
    }
    let mut offset = after_front;
    if let Some(place) = front.get_mut("index").and_then(Value::as_object_mut) {
        let given = place.get("offset").and_then(Value::as_u64).unwrap_or(0);
        // Only where it is the file's end can it be right at all.
        offset = given.clamp(after_front, after_front + FRAMES);
        place.insert("digest".to_owned(), digest.into());
        place.insert("length".to_owned(), length.into());
        place.insert("table_length".to_owned(), table_length.into());
    }
    let json = serde_json::to_vec(&front).unwrap_or_else(|_| json.to_vec());
    (json, offset)
}
