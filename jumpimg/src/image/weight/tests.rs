//! What is told of a small tree with two packages.

use super::*;

/// Some directories, a package of each kind, names that are not nice.
fn weights(measure: Measure) -> Weights {
    let mut ledger = Ledger::default();
    ledger.dpkg_list(
        "bash",
        b"/.\n/usr\n/bin\n/bin/bash\n/usr/share/doc/bash/copyright\n",
    );
    ledger.dpkg_list("linux", b"/boot/vmlinuz\n/lib/modules/big.ko\n");
    ledger.dpkg_status(
        b"Package: bash\nStatus: install ok installed\nVersion: 5.2-15+b2\nArchitecture: amd64\n\n\
          Package: linux\nStatus: install ok installed\nVersion: 6.1\nArchitecture: amd64\n",
    );
    ledger.link(b"bin", b"usr/bin");
    ledger.link(b"lib", b"usr/lib");
    let mut scales = Scales::new(ledger, measure);
    let mut add = |path: &[u8], directory, size, compressed| {
        scales.add(Item {
            path,
            directory,
            size,
            compressed,
        });
    };
    for directory in ["", "usr", "usr/bin", "usr/share", "usr/lib/modules", "boot"] {
        add(directory.as_bytes(), true, 0, 100);
    }
    add(b"usr/bin/bash", false, 1_200_000, 600_000);
    add(b"boot/vmlinuz", false, 8_000_000, 7_900_000);
    add(b"usr/lib/modules/big.ko", false, 30_000_000, 5_000_000);
    add(b"usr/share/doc/bash/copyright", false, 9000, 4000);
    add(b"usr/share/odd\x1b[31m\xff\n/data", false, 3 << 20, 2 << 20);
    add(b"root/a\n\xe2\x80\xaeb", false, 70_000, 60_000);
    scales.finish()
}

#[test]
fn every_byte_is_told_by_directory_package_and_file() {
    let weights = weights(Measure::Compressed);
    insta::assert_snapshot!(Table::new(&weights, 3, 20).text());
}

#[test]
fn small_directories_and_further_packages_are_folded() {
    let weights = weights(Measure::Size);
    insta::assert_snapshot!(Table::new(&weights, 1, 1).text());
}

#[test]
fn packages_and_what_is_of_none_add_up() {
    let weights = weights(Measure::Compressed);
    let mut sum = weights.unowned();
    for weight in &weights.packages {
        sum += *weight;
    }
    assert_eq!(sum, weights.total());
}
