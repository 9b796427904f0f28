//! A jump system whose root lies in memory: made there by the old system, packed into an initramfs on
//! a partition that stays as it is, and given its image when it runs.

use std::fs::{DirBuilder, File};
use std::io::{self, Seek as _, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use jumparchive::Tree;
use jumpspec::places;
use jumpspec::run::event::What;
use jumpspec::run::failure::Code;
use jumpspec::run::journal::{Journal, KEY_OFFSET, SLOT};
use jumpspec::run::task::{StepId, Task};
use jumpspec::selector::ONCE;
use jumpspec::step::{ImageRole, Step};
use jumpspec::words::digest::{Digest, Hasher};
use jumpsys::disk::{durable, superblock};
use jumpsys::files::freeze;
use jumpsys::files::mount::{self, MountSpec, MsFlags};
use jumpsys::files::root::{Owner, Root};
use jumpsys::kernel::kexec;

use crate::boot;
use crate::node::cause::Cause;
use crate::node::records::HOST_KEY;
use crate::orders::pace::Pace;
use crate::run::context::Context;
use crate::run::{kept, landing};
use crate::steps::stage;

/// The tmpfs may take this of the memory; that there is enough was planned.
const MOST: &str = "mode=0700,size=90%";
/// How tightly the root is packed: as zstd's levels go, a second for 20 MiB.
const LEVEL: i32 = 9;
/// The same where it stays in memory, and somebody waits for it.
const LEVEL_IN_MEMORY: i32 = 1;
/// Read back at once.
const CHUNK: usize = 4 << 20;
/// The packed root's name where the old system's memory has it.
const PACKED: &str = "root.img";
/// How often is looked whether an image is whole.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// After so long without a byte the image is asked for again: who sent it may be another.
const ASK_AGAIN: Duration = Duration::from_secs(20);
/// Bytes that are kept of a log, of its end: the partition has others' files, too.
const LONGEST_LOG: u64 = 4 << 20;
/// How often an image may arrive damaged.
const TRIES: u32 = 3;

/// Takes memory for the root, and makes the directory that outlives it on the partition that keeps it, if
/// there is one, with its journal.
pub(crate) fn take(cx: &mut Context) -> Result<()> {
    if cx.plan.landing.is_kept() {
        make_directory(cx)?;
        make_journal(cx)?;
        mount_memory(cx)?;
    } else {
        mount_memory(cx)?;
        make_journal(cx)?;
    }
    let root = cx.landing_root()?;
    for place in [places::JUMP, places::IMAGES, places::LOG] {
        root.create_dir_all(place, Owner::root(0o700))?;
    }
    let plan = serde_json::to_vec_pretty(&cx.plan)?;
    root.write(places::PLAN, &plan, Owner::root(0o600))?;
    cx.reporter.log_to(&cx.on_landing(places::EVENTS));
    // It has a place from here on, and this is not done again by the next call.
    let mut steps = cx.plan.steps.old.iter();
    let step = steps.position(|step| *step == Step::TakeMemory);
    cx.record(Journal {
        step: u32::try_from(step.unwrap_or_default())?,
        done: true,
        ..cx.journal().clone()
    })
}

fn make_directory(cx: &mut Context) -> Result<()> {
    refuse_changed(cx)?;
    let directory = cx.on_kept("");
    // What an earlier run has left.
    erase_secrets(cx)?;
    remove_all(&directory)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    // A directory's name may come to the disk before what makes it one.
    Ok(freeze::settle(&directory)?)
}

fn make_journal(cx: &mut Context) -> Result<()> {
    let journal = vec![0; usize::try_from(KEY_OFFSET)? + SLOT];
    cx.kept_root()?
        .write(places::KEPT_JOURNAL, &journal, Owner::root(0o600))?;
    cx.reread()
}

fn mount_memory(cx: &Context) -> Result<()> {
    if landing::is_mounted(&cx.landing)? {
        return Ok(());
    }
    std::fs::create_dir_all(&cx.landing)
        .with_context(|| format!("cannot make {}", cx.landing.display()))?;
    let spec = MountSpec {
        source: Path::new("jump"),
        target: &cx.landing,
        fstype: "tmpfs",
        flags: MsFlags::MS_NODEV,
        data: Some(MOST),
    };
    mount::mount(&spec)?.keep();
    Ok(())
}

/// The partition must be what the planner saw.
fn refuse_changed(cx: &Context) -> Result<()> {
    let planned = &cx.plan.landing;
    let disk = cx.read_landing_disk()?;
    let mut partitions = disk.partitions.iter();
    let found = partitions.find(|it| it.number == planned.number);
    let is_there = found.is_some_and(|it| it.extent() == planned.extent());
    let uuid = superblock::probe(&cx.landing_device())?.and_then(|found| found.uuid);
    let why = || {
        format!(
            "{} is not what it was when the plan was made",
            planned.device
        )
    };
    ensure!(
        is_there && uuid.as_deref() == Some(planned.fs_uuid.as_str()),
        Cause::new(Code::DiskChanged, why())
    );
    Ok(())
}

/// Packs the root, and puts beside it what a boot begins from, and what other systems read of the run.
pub(crate) fn pack(cx: &mut Context) -> Result<()> {
    if cx.plan.landing.is_volatile() {
        return pack_root(cx).map(drop);
    }
    let (jump, kept) = (cx.landing_root()?, cx.kept_root()?);
    for place in [places::PLAN, places::FACTS, places::ORIGIN, HOST_KEY] {
        let bytes = jump.read(place)?.unwrap_or_default();
        kept.write(place, &bytes, Owner::root(0o600))?;
    }
    let kernel = cx.plan.jump.kernel.image.as_str();
    let bytes = jump.read(kernel)?;
    let bytes = bytes.with_context(|| format!("the jump system has no /{kernel}"))?;
    kept.write(places::KEPT_KERNEL, &bytes, Owner::root(0o600))?;
    let digest = pack_root(cx)?;
    boot::keep_digest(cx, digest)?;
    freeze::settle(kept.path())?;
    let found = on_device(&cx.on_kept(places::KEPT_ROOT))?;
    ensure!(
        found == digest,
        "/{} is not what was written to it",
        places::KEPT_ROOT
    );
    kept.write(
        places::KEPT_ROOT_DIGEST,
        digest.to_string().as_bytes(),
        Owner::root(0o600),
    )?;
    freeze::settle(kept.path())?;
    let found = durable::read_uncached(&cx.on_kept(places::KEPT_KERNEL), 0, bytes.len())?;
    ensure!(
        found == bytes,
        "/{} is not what was written to it",
        places::KEPT_KERNEL
    );
    Ok(())
}

/// Kernel and root are on the device what was packed: the boots behind the commit begin from them, and a
/// loader that is signed has no digests to ask.
pub(crate) fn prove(cx: &Context) -> Result<()> {
    let digest = cx.kept_root()?.read(places::KEPT_ROOT_DIGEST)?;
    let digest =
        digest.context("what the jump system's root was when it was packed is not known")?;
    let digest: Digest = String::from_utf8_lossy(&digest).parse()?;
    let kernel = cx.plan.jump.kernel.image_digest;
    for (place, wanted) in [(places::KEPT_KERNEL, kernel), (places::KEPT_ROOT, digest)] {
        let found = on_device(&cx.on_kept(place))?;
        ensure!(
            found == wanted,
            Cause::new(
                Code::ImageDamaged,
                format!("{} is not what was packed", cx.on_kept(place).display())
            )
        );
    }
    Ok(())
}

/// Tells behind the commit, where there is nothing to go back to, that what this boot began from is damaged.
pub(crate) fn tell_damage(cx: &mut Context) {
    if let Err(error) = prove(cx) {
        cx.reporter.note(format!("{error:#}"));
    }
}

/// Writes the initramfs; its digest.
fn pack_root(cx: &mut Context) -> Result<Digest> {
    // What is made anew takes other clusters.
    erase_root(cx)?;
    let path = packed_root(cx);
    let tree = Tree::open(&cx.landing).context("cannot open the jump system")?;
    let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    let mut out = Hashing {
        file,
        hasher: Hasher::default(),
    };
    let total = jumpsys::files::usage::usage(&cx.landing)?.bytes;
    let level = if cx.plan.landing.is_volatile() {
        LEVEL_IN_MEMORY
    } else {
        LEVEL
    };
    let task = Task::from(StepId::PackJump);
    let reporter = std::cell::RefCell::new(&mut cx.reporter);
    let progress = |done: u64| {
        reporter
            .borrow_mut()
            .progress(&task, done.min(total), total);
    };
    jumparchive::pack_initramfs(&tree, &[places::IMAGES], &mut out, level, &progress)
        .with_context(|| format!("cannot write {}", path.display()))?;
    out.file
        .sync_all()
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(out.hasher.finish())
}

/// Where the packed root goes: what is below the images' directory is not packed itself.
fn packed_root(cx: &Context) -> PathBuf {
    if cx.plan.landing.is_volatile() {
        cx.on_landing(places::IMAGES).join(PACKED)
    } else {
        cx.on_kept(places::KEPT_ROOT)
    }
}

/// Loads kernel and packed root for kexec. The last word is the selector's own, that this boot leads back.
pub(crate) fn load(cx: &mut Context) -> Result<()> {
    let kernel = &cx.plan.jump.kernel.image;
    let arguments = cx.plan.jump.arguments.iter().map(String::as_str);
    let line: Vec<&str> = arguments.chain([ONCE]).collect();
    let kernel = cx.on_landing(kernel.as_str());
    Ok(kexec::load(&kernel, &packed_root(cx), &line.join(" "))?)
}

/// What is written, with its digest.
struct Hashing {
    file: File,
    hasher: Hasher,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The digest of what the device has of a file.
fn on_device(path: &Path) -> Result<Digest> {
    let length = std::fs::metadata(path)
        .with_context(|| format!("cannot look at {}", path.display()))?
        .len();
    let (mut hasher, mut at) = (Hasher::default(), 0);
    while at < length {
        let chunk = usize::try_from(length - at).unwrap_or(CHUNK).min(CHUNK);
        hasher.update(&durable::read_uncached(path, at, chunk)?);
        at += chunk as u64;
    }
    Ok(hasher.finish())
}

/// Waits in the jump system until an image is whole, as long as it keeps arriving. Whoever follows the
/// run hears which byte comes next.
pub(crate) fn await_image(
    cx: &mut Context,
    image: ImageRole,
    size: u64,
    digest: &Digest,
) -> Result<()> {
    for _ in 0..TRIES {
        arrive(cx, image, size)?;
        match stage::check_received(cx, image, size, digest) {
            Ok(()) => return Ok(()),
            Err(error) => cx.reporter.note(format!("{error:#}")),
        }
    }
    let why = format!("the {image} arrived damaged {TRIES} times");
    bail!(Cause::new(Code::ImageDamaged, why))
}

fn arrive(cx: &mut Context, image: ImageRole, size: u64) -> Result<()> {
    let patience = cx.plan.wait.boot;
    let (mut there, mut pace) = (stage::received(cx, image), Pace::within(patience.0));
    let mut asked = None;
    while there < size {
        if asked.is_none_or(|asked: Instant| asked.elapsed() > ASK_AGAIN) {
            let offset = there;
            cx.reporter.tell(What::Need { image, offset });
            asked = Some(Instant::now());
        }
        let looked = Instant::now();
        sleep(LOOK_EVERY);
        let now = stage::received(cx, image);
        if now > there {
            asked = Some(Instant::now());
        }
        let came = now.saturating_sub(there);
        there = now;
        ensure!(
            pace.keeps(looked.elapsed(), came),
            Cause::new(
                Code::UploadFailed,
                format!(
                    "nothing of the {image} has come for {} ([wait] boot), or next to nothing: `jumpimg resume --job` sends it",
                    String::from(patience)
                )
            )
        );
    }
    Ok(())
}

/// Ends what lies on the partition that stays, whatever there is of it; `end_selector` is how the
/// selector's time is ended.
pub(crate) fn give_back(
    cx: &mut Context,
    end_selector: impl FnOnce(&mut Context) -> Result<()>,
) -> Result<()> {
    erase_secrets(cx)?;
    cx.forget()?;
    end_selector(cx)?;
    let directory = cx.on_kept("");
    remove_all(&directory)?;
    // Gone also for who replays no journal.
    if let Some(above) = directory.parent().filter(|above| above.exists()) {
        freeze::settle(above)?;
    }
    kept::unmount()
}

/// Leaves no secret in clusters that belong to nobody. The key first: without it the saved files are
/// nobody's any more.
fn erase_secrets(cx: &mut Context) -> Result<()> {
    if cx.has_landing() {
        crate::steps::seal::erase_key(cx)?;
    }
    if let Err(error) = erase_root(cx) {
        cx.reporter
            .note(format!("what was staged is not erased: {error:#}"));
    }
    Ok(())
}

fn remove_all(directory: &Path) -> Result<()> {
    let above = directory.parent().context("it has a directory")?;
    if !above.exists() {
        return Ok(());
    }
    let name = directory.file_name().unwrap_or_default();
    boot::remove_tree(&Root::open(above)?, &name.to_string_lossy())
}

/// Overwrites the packed root: the jump system's host key is in it, and what was saved, sealed.
fn erase_root(cx: &Context) -> Result<()> {
    let path = packed_root(cx);
    if !path.exists() {
        return Ok(());
    }
    let opened = File::options().write(true).open(&path);
    let mut file = opened.with_context(|| format!("cannot open {}", path.display()))?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(0))?;
    io::copy(&mut io::Read::take(io::repeat(0), length), &mut file)?;
    Ok(file.sync_all()?)
}

/// Keeps the log in memory for the boots to come, and for the systems that read it.
pub(crate) fn keep_log(cx: &mut Context) {
    if !cx.plan.landing.is_kept() {
        return;
    }
    let kept = cx
        .landing_root()
        .and_then(|jump| copy_logs(&jump, &cx.kept_root()?));
    if let Err(error) = kept {
        cx.reporter.note(format!("the log is not kept: {error:#}"));
    }
}

/// Goes on with the log that an earlier boot has kept.
pub(crate) fn go_on_with_log(cx: &mut Context) {
    let ours = cx.on_landing(places::EVENTS);
    let longer = |kept: &Path| {
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
        length(kept) > length(&ours)
    };
    if !longer(&cx.on_kept(places::EVENTS)) {
        return;
    }
    cx.reporter.close_log();
    let copied = cx
        .kept_root()
        .and_then(|kept| copy_logs(&kept, &cx.landing_root()?));
    cx.reporter.log_to(&ours);
    if let Err(error) = copied {
        cx.reporter
            .note(format!("an earlier boot's log is lost: {error:#}"));
    }
}

fn copy_logs(from: &Root, to: &Root) -> Result<()> {
    for name in from.list(places::LOG)? {
        let path = format!("{}/{name}", places::LOG);
        // What hooks have made there besides files stays.
        if let Some(bytes) = from.read_end(&path, LONGEST_LOG)? {
            to.write(&path, &bytes, Owner::root(0o640))?;
        }
    }
    Ok(())
}
