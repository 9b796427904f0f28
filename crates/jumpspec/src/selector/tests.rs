use super::*;

fn parts() -> Parts {
    let file = |path: &str, content: &[u8]| BootFile {
        path: path.parse().unwrap(),
        digest: Some(Digest::of(content)),
    };
    Parts {
        landing_uuid: "11111111-2222-3333-4444-555555555555".to_owned(),
        directory: DIRECTORY.parse().unwrap(),
        kernel: file("boot/vmlinuz", b"kernel"),
        initramfs: file("boot/initrd.img", b"initramfs"),
        arguments: vec!["root=UUID=1111".to_owned(), "panic=10".to_owned()],
        loaders: Loaders::Sectors { raw_copy: 1500 },
        serial: None,
        doubt: Doubt::Old,
    }
}

#[test]
fn the_embedded_config_has_only_what_the_rescue_parser_knows() {
    let text = Selector::new(parts())
        .unwrap()
        .embedded_config(&Actions::Real);
    for word in ["if ", "then", ";", "{", "function"] {
        assert!(!text.contains(word), "{word:?} in\n{text}");
    }
    assert!(text.ends_with("boot\nsleep 10\nreboot\n"));
    insta::assert_snapshot!(text);
}

#[test]
fn the_config_is_the_same_but_for_its_leaves() {
    let selector = Selector::new(parts()).unwrap();
    let real = selector.config(&Actions::Real);
    let echo = selector.config(&Actions::Echo(Vec::new()));
    let logic = |text: &str| {
        let at = text.find("# What the block says").unwrap();
        text[at..].replace("sleep 10", "sleep 0")
    };
    assert_eq!(logic(&real), logic(&echo));
    insta::assert_snapshot!(real);
}

fn uefi_parts() -> Parts {
    let path = |path: &str| path.parse().unwrap();
    Parts {
        loaders: Loaders::Files {
            old: path("EFI/debian/shimx64.efi"),
            new: path("EFI/ubuntu/shimx64.efi"),
        },
        ..parts()
    }
}

#[test]
fn where_loaders_are_files_they_are_those_of_the_partition_that_it_came_from() {
    let selector = Selector::new(uefi_parts()).unwrap();
    let text = selector.config(&Actions::Real);
    for system in ["debian", "ubuntu"] {
        let loader = format!("if chainloader ($jump_disk)/EFI/{system}/shimx64.efi; then boot");
        assert!(text.contains(&loader), "{text}");
    }
    // A signed GRUB has no hashsum, and cannot load it.
    assert!(!text.contains("hashsum"), "{text}");
    let embedded = selector.embedded_config(&Actions::Real);
    assert!(embedded.contains("chainloader ($jump_disk)/EFI/debian/shimx64.efi\n"));
    assert!(embedded.ends_with("boot\nsleep 10\nreboot\n"), "{embedded}");
}

#[test]
fn at_the_end_a_firmware_that_still_comes_is_led_to_the_new_system() {
    let text = Selector::new(uefi_parts())
        .unwrap()
        .finished_config(&Actions::Real);
    assert!(text.contains("chainloader ($jump_disk)/EFI/ubuntu/shimx64.efi\nboot\n"));
    assert!(text.ends_with("sleep 10\nreboot\n"), "{text}");
    // The landing file system is no more.
    assert!(!text.contains("search"), "{text}");
}

#[test]
fn a_loader_that_grub_cannot_name_is_refused() {
    let new = "EFI/a b/shimx64.efi".parse().unwrap();
    let old = "EFI/debian/shimx64.efi".parse().unwrap();
    let loaders = Loaders::Files { old, new };
    assert!(Selector::new(Parts { loaders, ..parts() }).is_err());
}

#[test]
fn doubt_is_old_before_the_commit_and_jump_after_it() {
    for (doubt, word) in [(Doubt::Old, "jump_old"), (Doubt::Jump, "jump_jump")] {
        let selector = Selector::new(Parts { doubt, ..parts() }).unwrap();
        let text = selector.config(&Actions::Real);
        assert!(text.contains(&format!("  else {word}\n")), "{text}");
    }
}

#[test]
fn refuses_what_would_end_a_quotation() {
    let with = |argument: &str| {
        let mut parts = parts();
        parts.arguments.push(argument.to_owned());
        Selector::new(parts)
    };
    assert!(with("dyndbg=\"file x +p\" $x ; {").is_ok());
    for argument in ["", "a'b", "a\nb", "a\0"] {
        assert!(with(argument).is_err(), "{argument:?}");
    }
}

#[test]
fn refuses_paths_and_uuids_that_grub_reads_otherwise() {
    for path in ["boot/vm linuz", "boot/(hd0)", "boot/a'b", "boot/vmlinuz\n"] {
        let mut parts = parts();
        parts.kernel.path = path.parse().unwrap();
        assert!(Selector::new(parts).is_err(), "{path:?}");
    }
    let landing_uuid = "1; reboot".to_owned();
    assert!(
        Selector::new(Parts {
            landing_uuid,
            ..parts()
        })
        .is_err()
    );
}

#[test]
fn the_hash_lists_are_those_of_sha256sum() {
    let selector = Selector::new(parts()).unwrap();
    let [kernel, initramfs] = selector.hash_lists().map(Option::unwrap);
    assert_eq!(kernel, format!("{}  boot/vmlinuz\n", Digest::of(b"kernel")));
    assert!(initramfs.ends_with("  boot/initrd.img\n"));
    let packed = Digest::of(b"initramfs");
    assert_eq!(selector.initramfs_list(packed), initramfs);
}
