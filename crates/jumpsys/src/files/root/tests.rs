//! Files below a root.

use super::*;

fn made() -> (tempfile::TempDir, Root) {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("root");
    std::fs::create_dir(&inside).unwrap();
    let root = Root::open(&inside).unwrap();
    (dir, root)
}

fn mine(mode: u32) -> Owner {
    Owner {
        uid: nix::unistd::geteuid().as_raw(),
        gid: nix::unistd::getegid().as_raw(),
        mode,
    }
}

#[test]
fn two_names_are_exchanged_and_nothing_is_freed() {
    let scratch = tempfile::tempdir().unwrap();
    let root = Root::open(scratch.path()).unwrap();
    for name in ["one", "deep/other"] {
        root.write(name, name.as_bytes(), Owner::root(0o600))
            .unwrap();
    }
    root.exchange("one", "deep/other").unwrap();
    assert_eq!(root.read("one").unwrap().unwrap(), b"deep/other");
    assert_eq!(root.read("deep/other").unwrap().unwrap(), b"one");
    assert!(root.exchange("one", "none").is_err());
}

#[test]
fn writes_and_reads_back() {
    let (_dir, root) = made();
    std::fs::create_dir(root.path().join("etc")).unwrap();
    root.write("etc/name", b"node07", mine(0o640)).unwrap();
    assert_eq!(
        root.read("/etc/name").unwrap().as_deref(),
        Some(&b"node07"[..])
    );
    assert_eq!(
        root.owner("etc/name").unwrap().map(|owner| owner.mode),
        Some(0o640)
    );
    assert_eq!(root.list("etc").unwrap(), ["name"]);
}

#[test]
fn an_absolute_symlink_stays_inside() {
    let (dir, root) = made();
    std::fs::create_dir(root.path().join("run")).unwrap();
    std::fs::create_dir(root.path().join("var")).unwrap();
    root.symlink("var/run", "/run").unwrap();
    root.write("var/run/x", b"1", mine(0o600)).unwrap();
    assert!(root.path().join("run/x").is_file());
    root.symlink("out", "../../..").unwrap();
    root.write("out/y", b"1", mine(0o600)).unwrap();
    assert!(root.path().join("y").is_file() && !dir.path().join("y").exists());
}

#[test]
fn a_symlink_in_the_files_place_is_replaced() {
    let (dir, root) = made();
    let victim = dir.path().join("victim");
    std::fs::write(&victim, "safe").unwrap();
    root.symlink("passwd", "../victim").unwrap();
    root.write("passwd", b"new", mine(0o600)).unwrap();
    assert_eq!(std::fs::read_to_string(victim).unwrap(), "safe");
    assert_eq!(root.link_target("passwd").unwrap(), None);
}

#[test]
fn the_end_of_a_file_is_read_and_a_fifo_is_not_waited_for() {
    let (_dir, root) = made();
    root.write("log", b"one\ntwo\n", mine(0o600)).unwrap();
    assert_eq!(root.read_end("log", 4).unwrap().unwrap(), b"two\n");
    assert_eq!(root.read_end("log", 99).unwrap().unwrap(), b"one\ntwo\n");
    nix::unistd::mkfifo(&root.path().join("fifo"), Mode::S_IRWXU).unwrap();
    assert_eq!(root.read_end("fifo", 4).unwrap(), None);
    assert_eq!(root.read_end("none", 4).unwrap(), None);
}

#[test]
fn what_is_not_there_is_none_and_may_be_removed() {
    let (_dir, root) = made();
    assert_eq!(root.read("no/where").unwrap(), None);
    root.remove("no/where").unwrap();
    root.remove("nothing").unwrap();
}

#[test]
fn a_file_that_is_rewritten_keeps_its_label() {
    if !crate::kernel::system::is_root() {
        println!("skipped: labels of SELinux: not root");
        return;
    }
    let (_dir, root) = made();
    root.write("shadow", b"old", Owner::root(0o640)).unwrap();
    assert_eq!(root.label("shadow").unwrap(), None);
    let label = b"system_u:object_r:shadow_t:s0\0";
    match root.set_label("shadow", label) {
        Err(error) if error.errno() == Some(Errno::EOPNOTSUPP as i32) => {
            println!("skipped: this file system keeps no labels");
            return;
        }
        done => done.unwrap(),
    }
    root.rewrite("shadow", b"new", Owner::root(0o644)).unwrap();
    assert_eq!(root.read("shadow").unwrap().unwrap(), b"new");
    assert_eq!(root.label("shadow").unwrap().unwrap(), label);
    root.write("shadow", b"another", Owner::root(0o640))
        .unwrap();
    assert_eq!(
        root.label("shadow").unwrap(),
        None,
        "a new file, by its name"
    );
}

#[test]
fn a_mount_point_behind_a_link_of_the_tree_is_inside_it() {
    let (dir, root) = made();
    std::fs::create_dir(dir.path().join("dev")).unwrap();
    let top = root.path().canonicalize().unwrap();
    root.symlink("run", "/var/run").unwrap();
    root.create_dir_all("var/run", Owner::root(0o755)).unwrap();
    root.create_dir_all("dev", Owner::root(0o755)).unwrap();
    root.symlink("out", "../../dev").unwrap();
    for (inside, at) in [
        ("/", ""),
        ("run", "var/run"),
        ("out", "dev"),
        ("sys", "sys"),
        ("var/log", "var/log"),
    ] {
        let point = root.mount_point(inside).unwrap();
        assert_eq!(
            point,
            top.join(at).components().collect::<std::path::PathBuf>()
        );
    }
    root.symlink("nowhere", "/missing").unwrap();
    assert!(root.mount_point("nowhere").is_err());
}
