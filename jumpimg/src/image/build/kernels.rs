//! Finds kernels and their initramfs by name, as the distributions name them.

use std::cmp::Ordering;

/// One kernel of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) release: String,
    pub(crate) image: String,
    pub(crate) initramfs: Option<String>,
}

/// Kernels in `/boot`, or else beside their modules; the newest last.
pub(crate) fn find(list: impl Fn(&str) -> Vec<String>, has: impl Fn(&str) -> bool) -> Vec<Found> {
    let mut kernels: Vec<Found> = list("boot")
        .iter()
        .filter_map(|name| name.strip_prefix("vmlinuz-"))
        .filter(|release| !release.contains("rescue") && !is_spare(release))
        .map(|release| Found {
            release: release.to_owned(),
            image: format!("boot/vmlinuz-{release}"),
            initramfs: None,
        })
        .collect();
    if kernels.is_empty() {
        let modules = "usr/lib/modules";
        let beside = |release: &String| Found {
            release: release.clone(),
            image: format!("{modules}/{release}/vmlinuz"),
            initramfs: None,
        };
        kernels = list(modules)
            .iter()
            .map(beside)
            .filter(|kernel| has(&kernel.image))
            .collect();
    }
    for kernel in &mut kernels {
        let release = &kernel.release;
        let names = [
            format!("boot/initrd.img-{release}"),
            format!("boot/initramfs-{release}.img"),
            format!("boot/initrd-{release}"),
            format!("usr/lib/modules/{release}/initrd"),
        ];
        kernel.initramfs = names.into_iter().find(|path| has(path));
    }
    kernels.sort_by(|one, two| by_version(&one.release, &two.release));
    kernels
}

/// Copies that package managers and admins leave behind.
fn is_spare(release: &str) -> bool {
    [".old", ".bak", ".dpkg-bak", ".dpkg-new"]
        .iter()
        .any(|suffix| release.ends_with(suffix))
}

/// Compares releases as people do: numbers by value, the rest by its bytes.
fn by_version(one: &str, two: &str) -> Ordering {
    let (mut one, mut two) = (one, two);
    loop {
        if one.is_empty() || two.is_empty() {
            return one.len().cmp(&two.len());
        }
        let (one_text, one_rest) = split(one, |b| !b.is_ascii_digit());
        let (two_text, two_rest) = split(two, |b| !b.is_ascii_digit());
        let (one_digits, one_rest) = split(one_rest, |b| b.is_ascii_digit());
        let (two_digits, two_rest) = split(two_rest, |b| b.is_ascii_digit());
        let number = |digits: &str| digits.parse::<u64>().unwrap_or_default();
        let order = one_text
            .cmp(two_text)
            .then(number(one_digits).cmp(&number(two_digits)));
        if order != Ordering::Equal {
            return order;
        }
        (one, two) = (one_rest, two_rest);
    }
}

fn split(text: &str, belongs: impl Fn(u8) -> bool) -> (&str, &str) {
    text.split_at(text.bytes().position(|b| !belongs(b)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn releases(files: &[&str]) -> Vec<(String, Option<String>)> {
        let list = |directory: &str| {
            let names = files
                .iter()
                .filter_map(|file| file.strip_prefix(directory)?.strip_prefix('/'));
            names
                .map(|name| name.split('/').next().unwrap_or(name).to_owned())
                .collect()
        };
        let found = find(list, |path| files.contains(&path));
        found
            .into_iter()
            .map(|kernel| (kernel.release, kernel.initramfs))
            .collect()
    }

    #[test]
    fn the_newest_kernel_comes_last() {
        let files = [
            "boot/vmlinuz-6.1.0-10-amd64",
            "boot/vmlinuz-6.1.0-9-amd64",
            "boot/initrd.img-6.1.0-9-amd64",
        ];
        let found = releases(&files);
        assert_eq!(found[1], ("6.1.0-10-amd64".to_owned(), None));
        assert_eq!(found[0].1.as_deref(), Some("boot/initrd.img-6.1.0-9-amd64"));
    }

    #[test]
    fn rescue_and_old_kernels_do_not_count() {
        let files = ["boot/vmlinuz-0-rescue-abc", "boot/vmlinuz-6.1.old"];
        assert_eq!(releases(&files), []);
    }

    #[test]
    fn a_kernel_beside_its_modules_is_found() {
        let files = ["usr/lib/modules/6.12/vmlinuz", "boot/initramfs-6.12.img"];
        let found = releases(&files);
        assert_eq!(found[0].1.as_deref(), Some("boot/initramfs-6.12.img"));
    }
}
