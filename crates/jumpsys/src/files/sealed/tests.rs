use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{CHUNK, HEADER, Key, KeySector, KeySectorError, Reader, SealedError, TAG, Writer};

/// Content that shows where it is from.
fn content(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| u8::try_from((at / 7 + at / CHUNK) % 251).unwrap())
        .collect()
}

/// A sealed file with `content`, written in pieces, the front last.
fn sealed(dir: &Path, key: &Key, content: &[u8]) -> PathBuf {
    let path = dir.join("sealed");
    let writer = Writer::new(File::create(&path).unwrap(), &path, key).unwrap();
    let front = content.len().min(CHUNK);
    let mut at = CHUNK;
    for piece in content[front..].chunks(10_007) {
        writer.write_all_at(piece, at as u64).unwrap();
        at += piece.len();
    }
    writer.write_all_at(&content[..front], 0).unwrap();
    writer.finish().unwrap();
    path
}

fn read(path: &Path, key: &Key) -> Result<Vec<u8>, SealedError> {
    let reader = Reader::open(path, key)?;
    let mut bytes = vec![0; usize::try_from(reader.length()).unwrap()];
    reader.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

fn is_broken<T>(result: &Result<T, SealedError>) -> bool {
    matches!(result, Err(SealedError::Broken { .. }))
}

#[test]
fn what_is_sealed_is_read_whole_or_in_parts_and_is_not_in_the_file() {
    let (dir, key) = (tempfile::tempdir().unwrap(), Key::random().unwrap());
    for length in [CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 500] {
        let content = content(length);
        let path = sealed(dir.path(), &key, &content);
        assert_eq!(read(&path, &key).unwrap(), content, "{length}");
        let raw = fs::read(&path).unwrap();
        assert!(!raw.windows(64).any(|window| content.starts_with(window)));
        let mut part = vec![0; 700.min(length)];
        let from = length - part.len();
        let reader = Reader::open(&path, &key).unwrap();
        reader.read_exact_at(&mut part, from as u64).unwrap();
        assert_eq!(part, content[from..]);
        let beyond = reader.read_exact_at(&mut part, from as u64 + 1);
        assert!(matches!(beyond, Err(SealedError::Io { .. })));
    }
}

#[test]
fn another_key_opens_nothing() {
    let (dir, key) = (tempfile::tempdir().unwrap(), Key::random().unwrap());
    let path = sealed(dir.path(), &key, &content(CHUNK * 2));
    let other = Reader::open(&path, &Key::random().unwrap());
    assert!(is_broken(&other));
    let error = io::Error::from(other.unwrap_err());
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(error.to_string().contains(path.to_str().unwrap()));
}

#[test]
fn a_file_cut_anywhere_is_refused_when_it_is_opened() {
    let (dir, key) = (tempfile::tempdir().unwrap(), Key::random().unwrap());
    let path = sealed(dir.path(), &key, &content(3 * CHUNK + 500));
    let whole = fs::read(&path).unwrap();
    let chunk = CHUNK + TAG;
    let borders = (0..4).flat_map(|n| [HEADER + n * chunk, HEADER + n * chunk + TAG]);
    for length in borders.chain([0, 8, HEADER - 1, whole.len() - 1]) {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(Reader::open(&path, &key).is_err(), "{length}");
    }
    fs::write(&path, [&whole[..], &[0]].concat()).unwrap();
    assert!(is_broken(&Reader::open(&path, &key)));
}

#[test]
fn any_changed_byte_is_found_by_who_reads_its_chunk() {
    let (dir, key) = (tempfile::tempdir().unwrap(), Key::random().unwrap());
    let path = sealed(dir.path(), &key, &content(2 * CHUNK + 9));
    let whole = fs::read(&path).unwrap();
    for at in [
        8,
        30,
        HEADER,
        HEADER + CHUNK,
        HEADER + CHUNK + TAG,
        whole.len() - 1,
    ] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(is_broken(&read(&path, &key)), "{at}");
    }
}

#[test]
fn chunks_that_change_places_are_found() {
    let (dir, key) = (tempfile::tempdir().unwrap(), Key::random().unwrap());
    let path = sealed(dir.path(), &key, &content(4 * CHUNK));
    let mut bytes = fs::read(&path).unwrap();
    let chunk = CHUNK + TAG;
    let (front, rest) = bytes.split_at_mut(HEADER + 2 * chunk);
    front[HEADER + chunk..].swap_with_slice(&mut rest[..chunk]);
    fs::write(&path, &bytes).unwrap();
    assert!(is_broken(&read(&path, &key)));
}

#[test]
fn what_is_not_written_in_order_is_refused() {
    let (dir, key) = (tempfile::tempdir().unwrap(), Key::random().unwrap());
    let path = dir.path().join("sealed");
    let writer = Writer::new(File::create(&path).unwrap(), &path, &key).unwrap();
    writer.write_all_at(b"one", CHUNK as u64).unwrap();
    for offset in [CHUNK as u64, CHUNK as u64 + 4, CHUNK as u64 - 1] {
        let refused = writer.write_all_at(b"two", offset);
        assert!(
            matches!(refused, Err(SealedError::Order { .. })),
            "{offset}"
        );
    }
}

#[test]
fn a_key_is_kept_in_one_sector_until_it_is_erased() {
    let dir = tempfile::tempdir().unwrap();
    let device = dir.path().join("device");
    fs::write(&device, vec![0xaa; 8192]).unwrap();
    let (place, key) = (KeySector::new(&device, 4096), Key::random().unwrap());
    assert!(matches!(place.read(), Err(KeySectorError::NoKey { .. })));
    place.write(&key).unwrap();
    assert_eq!(place.read().unwrap().bytes(), key.bytes());
    let bytes = fs::read(&device).unwrap();
    let other = bytes[..4096].iter().chain(&bytes[4608..]);
    assert!(other.copied().all(|byte| byte == 0xaa));
    place.erase().unwrap();
    assert!(matches!(place.read(), Err(KeySectorError::NoKey { .. })));
    assert!(
        fs::read(&device).unwrap()[4096..4608]
            .iter()
            .all(|byte| *byte == 0)
    );
}

#[test]
fn a_key_is_not_printed() {
    let key = Key::random().unwrap();
    let shown = format!("{key:?}");
    assert!(
        !key.bytes()
            .windows(2)
            .any(|pair| shown.contains(&format!("{}, {}", pair[0], pair[1])))
    );
    assert_eq!(shown, "Key { .. }");
}
