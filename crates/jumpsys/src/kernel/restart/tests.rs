use super::{Init, other_reboot, request, start};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs;

#[test]
fn systemd_is_asked_for_its_reboot_and_for_nothing_that_passes_the_loader_by() {
    assert_eq!(
        start("reboot.target").command_line(),
        "systemctl --no-block --job-mode=replace-irreversibly start reboot.target"
    );
    assert_eq!(other_reboot().command_line(), "reboot");
}

#[test]
fn sysvinit_is_asked_in_its_own_words() {
    let bytes = request();
    assert_eq!(bytes.len(), 384);
    assert_eq!(&bytes[..4], &[0x69, 0x19, 0x09, 0x03]);
    assert_eq!(&bytes[4..12], &[1, 0, 0, 0, b'6', 0, 0, 0]);
    assert!(bytes[12..].iter().all(|&byte| byte == 0));
}

#[test]
fn inits_are_known_by_where_they_listen() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    assert_eq!(Init::of(root), Init::Other);
    fs::create_dir_all(root.join("run")).unwrap();
    fs::write(root.join("run/initctl"), "no FIFO").unwrap();
    assert_eq!(Init::of(root), Init::Other);
    fs::create_dir(root.join("dev")).unwrap();
    let ear = root.join("dev/initctl");
    mkfifo(&ear, Mode::from_bits_truncate(0o600)).unwrap();
    assert_eq!(Init::of(root), Init::Other, "nobody reads");
    let reader = fs::OpenOptions::new().read(true).write(true).open(&ear);
    let reader = reader.unwrap();
    assert_eq!(Init::of(root), Init::Sysv(ear));
    drop(reader);
    fs::create_dir_all(root.join("run/systemd/system")).unwrap();
    assert_eq!(Init::of(root), Init::Systemd);
}

#[test]
fn a_request_reaches_the_one_who_listens() {
    use std::io::Read as _;
    let dir = tempfile::tempdir().unwrap();
    let ear = dir.path().join("initctl");
    mkfifo(&ear, Mode::from_bits_truncate(0o600)).unwrap();
    let mut reader = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&ear)
        .unwrap();
    Init::Sysv(ear).ask().unwrap();
    let mut heard = [0; 384];
    reader.read_exact(&mut heard).unwrap();
    assert_eq!(heard, request());
}
