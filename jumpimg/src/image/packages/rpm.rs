//! One header of rpm's database: a package's name, version and files.
//!
//! The format: number of entries and length of the data as 32-bit big-endian numbers,
//! entries of 16 bytes (tag, type, offset in the data, count), data
//! (<https://rpm-software-management.github.io/rpm/manual/format_header.html>; the
//! database leaves out the magic number). Tags: `include/rpm/rpmtag.h` of rpm.

/// rpm's own limit on a header's entries (`HEADER_TAGS_MAX`, lib/header.cc).
const ENTRIES_CAP: usize = 0xffff;

/// Bytes of the longest path (include/uapi/linux/limits.h), which counts a NUL.
const PATH_MAX: usize = 4095;
/// How many times its data a header's paths take at the most. A path has at least five bytes of it
/// (a number and a NUL) and seldom more than a hundred of its own.
const EXPANSION: usize = 32;

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const ARCHITECTURE: u32 = 1022;
const DIRECTORY_INDEXES: u32 = 1116;
const BASE_NAMES: u32 = 1117;
const DIRECTORY_NAMES: u32 = 1118;

/// A header that can be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header<'a> {
    entries: &'a [[u8; 16]],
    data: &'a [u8],
}

impl<'a> Header<'a> {
    /// `None` if its lengths do not agree.
    pub(super) fn new(blob: &'a [u8]) -> Option<Self> {
        let (counts, rest) = blob.split_at_checked(8)?;
        let count = usize::try_from(number(&counts[..4])?).ok()?;
        let length = usize::try_from(number(&counts[4..])?).ok()?;
        if count > ENTRIES_CAP {
            return None;
        }
        let (index, data) = rest.split_at_checked(count * 16)?;
        let (entries, _) = index.as_chunks::<16>();
        let data = data.get(..length)?;
        Some(Self { entries, data })
    }

    /// The name; `None` if it has none, as no package does.
    pub(super) fn name(&self) -> Option<&'a [u8]> {
        self.text(NAME)
    }

    /// The architecture; empty for keys.
    pub(super) fn architecture(&self) -> &'a [u8] {
        self.text(ARCHITECTURE).unwrap_or_default()
    }

    /// `epoch:version-release`, without an epoch that is not there.
    pub(super) fn version(&self) -> Vec<u8> {
        let mut version = Vec::new();
        if let Some(epoch) = self.numbers(EPOCH).next() {
            version.extend_from_slice(format!("{epoch}:").as_bytes());
        }
        version.extend_from_slice(self.text(VERSION).unwrap_or_default());
        version.push(b'-');
        version.extend_from_slice(self.text(RELEASE).unwrap_or_default());
        version
    }

    /// The paths of its files and directories, without the slash in front. One long directory could
    /// stand in front of many names: what is longer than any path is left out, and the rest once
    /// there is more of it than honest headers have.
    pub(super) fn paths(&self) -> impl Iterator<Item = Vec<u8>> + use<'a> {
        let directories: Vec<&[u8]> = self.texts(DIRECTORY_NAMES).collect();
        let names = self.texts(BASE_NAMES).zip(self.numbers(DIRECTORY_INDEXES));
        let mut left = EXPANSION * self.data.len();
        let path = move |(name, directory): (&[u8], u32)| {
            let directory = directories.get(usize::try_from(directory).ok()?)?;
            let directory = directory.strip_prefix(b"/")?;
            let length = directory.len() + name.len();
            left = left.checked_sub(length)?;
            (length <= PATH_MAX).then(|| [directory, name].concat())
        };
        names.filter_map(path)
    }

    /// The data at which a tag's value begins, and its count.
    fn value(&self, tag: u32) -> Option<(&'a [u8], usize)> {
        let wanted = tag.to_be_bytes();
        let entry = self.entries.iter().find(|entry| entry[..4] == wanted)?;
        let offset = usize::try_from(number(&entry[8..12])?).ok()?;
        let count = usize::try_from(number(&entry[12..])?).ok()?;
        Some((self.data.get(offset..)?, count))
    }

    /// Texts, each with a NUL after it.
    fn texts(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (data, count) = self.value(tag).unwrap_or_default();
        data.split(|byte| *byte == 0).take(count)
    }

    fn text(&self, tag: u32) -> Option<&'a [u8]> {
        self.texts(tag).next().filter(|text| !text.is_empty())
    }

    /// 32-bit numbers.
    fn numbers(&self, tag: u32) -> impl Iterator<Item = u32> + use<'a> {
        let (data, count) = self.value(tag).unwrap_or_default();
        data.chunks_exact(4).take(count).filter_map(number)
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with these tags, types left out as nothing reads them.
    fn header(values: &[(u32, u32, &[u8])]) -> Vec<u8> {
        let (mut entries, mut data) = (Vec::new(), Vec::new());
        for (tag, count, value) in values {
            let offset = u32::try_from(data.len()).unwrap();
            for field in [*tag, 0, offset, *count] {
                entries.extend(field.to_be_bytes());
            }
            data.extend_from_slice(value);
        }
        let lengths = [values.len(), data.len()].map(|n| u32::try_from(n).unwrap().to_be_bytes());
        [lengths.concat(), entries, data].concat()
    }

    fn bash() -> Vec<u8> {
        header(&[
            (NAME, 1, b"bash\0"),
            (VERSION, 1, b"5.2\0"),
            (RELEASE, 1, b"1.el9\0"),
            (EPOCH, 1, &[0, 0, 0, 7]),
            (DIRECTORY_INDEXES, 3, &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9]),
            (BASE_NAMES, 3, b"bashrc\0bash\0lost\0"),
            (DIRECTORY_NAMES, 2, b"/usr/bin/\0/etc/\0"),
        ])
    }

    #[test]
    fn reads_name_version_and_files() {
        let blob = bash();
        let header = Header::new(&blob).unwrap();
        assert_eq!(header.name(), Some(&b"bash"[..]));
        assert_eq!(header.version(), b"7:5.2-1.el9");
        assert_eq!(header.architecture(), b"");
        let paths: Vec<Vec<u8>> = header.paths().collect();
        assert_eq!(paths, [&b"etc/bashrc"[..], b"usr/bin/bash"]);
    }

    #[test]
    fn a_header_cut_anywhere_is_refused() {
        let blob = bash();
        for length in 0..blob.len() {
            assert!(Header::new(&blob[..length]).is_none(), "{length}");
        }
    }

    #[test]
    fn one_long_directory_before_many_names_takes_no_more_than_a_multiple_of_the_header() {
        let count = 9000;
        let directory = [b"/".as_slice(), &[b'd'; 4000], b"/\0"].concat();
        let blob = header(&[
            (NAME, 1, b"x\0"),
            (DIRECTORY_INDEXES, count, &vec![0; 36_000]),
            (BASE_NAMES, count, &b"f\0".repeat(9000)),
            (DIRECTORY_NAMES, 1, &directory),
        ]);
        let taken: usize = Header::new(&blob)
            .unwrap()
            .paths()
            .map(|path| path.len())
            .sum();
        assert!(taken <= EXPANSION * blob.len(), "{taken} of {}", blob.len());
    }

    #[test]
    fn numbers_that_point_outside_lead_nowhere() {
        let mut blob = bash();
        // The offset of the name.
        blob[16..20].copy_from_slice(&[0xff; 4]);
        assert_eq!(Header::new(&blob).unwrap().name(), None);
        assert!(Header::new(&[0xff; 64]).is_none());
    }
}
