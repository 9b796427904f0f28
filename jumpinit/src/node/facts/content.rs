//! What a device holds. Only zeros are blank; what we do not know the system's own blkid is asked
//! for.

use std::path::Path;

use jumpspec::disk::{Content, UNKNOWN, UNRECOGNISED};
use jumpsys::disk::blkid::{self, Answer};
use jumpsys::disk::superblock::{self, Kind};

/// Reads it; `None` is blank.
pub(super) fn read(device: &Path) -> Option<Content> {
    match superblock::probe(device) {
        Ok(None) => None,
        Ok(Some(found)) if found.kind != Kind::Unknown => Some(Content {
            kind: found.kind.name().to_owned(),
            uuid: found.uuid,
            label: found.label,
        }),
        // What cannot be read may be anything.
        Ok(Some(_)) | Err(_) => Some(asked(blkid::ask(device))),
    }
}

fn asked(answer: Answer) -> Content {
    let only = |kind: &str| Content {
        kind: kind.to_owned(),
        uuid: None,
        label: None,
    };
    match answer {
        Answer::Holds { kind, uuid, label } => Content { kind, uuid, label },
        Answer::Nothing => only(UNRECOGNISED),
        Answer::Unsure => only(UNKNOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_never_blank() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("device");
        std::fs::write(&path, vec![0; 1 << 20]).unwrap();
        assert_eq!(read(&path), None);
        std::fs::write(&path, vec![0x5a; 1 << 20]).unwrap();
        let kind = read(&path).map(|content| content.kind).unwrap_or_default();
        assert!([UNKNOWN, UNRECOGNISED].contains(&kind.as_str()), "{kind}");
        assert!(read(&scratch.path().join("none")).is_some());
        assert_eq!(asked(Answer::Unsure).kind, UNKNOWN);
    }
}
