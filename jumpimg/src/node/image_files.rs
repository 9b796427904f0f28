//! The two image files of a job: what they are, their lengths and digests.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use jumparchive::Image;
use jumpspec::job::Joint;
use jumpspec::planner::{ImageFile, InMemory};
use jumpspec::step::ImageRole;
use jumpspec::words::digest::{Digest, Hasher};

use crate::error::{Exit, Trouble};
use crate::image::programs::Programs;
use crate::image::{homes, in_memory, open};
use crate::node::job_file::JobFile;
use crate::terminal::interrupt::Interrupt;
use crate::terminal::meter;

/// Bytes that are read and hashed at a time.
const CHUNK: usize = 1 << 20;

/// Both images, read once for all nodes.
#[derive(Debug)]
pub(crate) struct ImageFiles {
    pub(crate) jump: ImageFile,
    pub(crate) target: ImageFile,
    jump_path: PathBuf,
    target_path: PathBuf,
    /// A plain tar of the jump image's toolbox.
    pub(crate) toolbox: Arc<[u8]>,
}

impl ImageFiles {
    /// Opens both, checks their fronts and indexes, and works out their digests.
    pub(crate) fn open(job: &JobFile, interrupt: &Interrupt) -> Result<Self, Trouble> {
        let in_jump = job.interpreters(|at| at == Joint::Committed);
        let in_target = job.interpreters(|at| at > Joint::Committed);
        let (mut jump, image) = open(&job.jump, ImageRole::Jump, interrupt)?;
        jump.interpreters = programs(&image, &job.jump, in_jump)?;
        jump.in_memory = in_memory::of(&image).map_err(|error| open::trouble(&job.jump, error))?;
        let (mut target, of_target) = open(&job.target, ImageRole::Target, interrupt)?;
        target.interpreters = programs(&of_target, &job.target, in_target)?;
        let templates = job.job.template.iter().map(|template| template.to.clone());
        target.homeless = homes::homeless(&of_target, &templates.collect())
            .map_err(|error| open::trouble(&job.target, error))?;
        let toolbox = jumparchive::extract_subset(&image, &jump.manifest.toolbox)
            .map_err(|error| open::trouble(&job.jump, error))?;
        Ok(Self {
            jump,
            target,
            jump_path: job.jump.clone(),
            target_path: job.target.clone(),
            toolbox: toolbox.into(),
        })
    }

    /// The file of one of them.
    pub(crate) fn path(&self, role: ImageRole) -> &Path {
        match role {
            ImageRole::Jump => &self.jump_path,
            ImageRole::Target => &self.target_path,
        }
    }
}

/// Of these absolute paths, those at which the image has a program.
fn programs(
    image: &Image,
    path: &Path,
    asked: BTreeSet<String>,
) -> Result<BTreeSet<String>, Trouble> {
    if asked.is_empty() {
        return Ok(asked);
    }
    let programs = Programs::of(image).map_err(|error| open::trouble(path, error))?;
    Ok(asked
        .into_iter()
        .filter(|path| programs.has(path))
        .collect())
}

fn open(
    path: &Path,
    role: ImageRole,
    interrupt: &Interrupt,
) -> Result<(ImageFile, Image), Trouble> {
    let file = File::open(path).map_err(|error| {
        let message = format!("cannot open the {role} {}: {error}", path.display());
        Trouble::new(Exit::Usage, "image-missing", message).hint(
            "see [images] in the job file, to which paths are relative; `jumpimg build` makes one",
        )
    })?;
    let copy = file
        .try_clone()
        .with_context(|| format!("cannot open {} twice", path.display()))?;
    let image = Image::open(copy).map_err(|error| open::trouble(path, error))?;
    let Some(manifest) = image.manifest().cloned() else {
        return Err(open::trouble(
            path,
            jumparchive::Error::NotAnImage("it has no manifest"),
        ));
    };
    let digest = hash(&file, path, image.size(), interrupt)?;
    Ok((
        ImageFile {
            manifest,
            size: image.size(),
            digest,
            interpreters: BTreeSet::new(),
            homeless: BTreeSet::new(),
            in_memory: InMemory::default(),
        },
        image,
    ))
}

fn hash(mut file: &File, path: &Path, size: u64, interrupt: &Interrupt) -> Result<Digest, Trouble> {
    let failed = |error: std::io::Error| {
        Trouble::new(
            Exit::Failed,
            "image-unreadable",
            format!("cannot read {}: {error}", path.display()),
        )
    };
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let bar = meter::bar(size, &format!("read {}", path.display()));
    let (mut hasher, mut chunk) = (Hasher::default(), vec![0; CHUNK]);
    let mut left = size;
    while left > 0 {
        if interrupt.caught() {
            return Err(Trouble::new(
                Exit::Interrupted,
                "interrupted",
                "interrupted; no node was touched",
            ));
        }
        let wanted = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        file.read_exact(&mut chunk[..wanted]).map_err(failed)?;
        hasher.update(&chunk[..wanted]);
        left -= wanted as u64;
        bar.inc(wanted as u64);
    }
    bar.finish_and_clear();
    Ok(hasher.finish())
}
