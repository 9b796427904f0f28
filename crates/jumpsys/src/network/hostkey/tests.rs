use std::io::Cursor;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::*;

/// A conversation: what the server says, and what it has heard.
struct Conversation {
    says: Cursor<Vec<u8>>,
    hears: Vec<u8>,
}

impl Conversation {
    fn new(packets: &[Vec<u8>]) -> Self {
        let mut says = b"Welcome\r\nSSH-2.0-test\r\n".to_vec();
        for packet in packets {
            write_packet(&mut says, packet).unwrap();
        }
        Self {
            says: Cursor::new(says),
            hears: Vec::new(),
        }
    }
}

impl Read for Conversation {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.says.read(into)
    }
}

impl Write for Conversation {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hears.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn offer(exchanges: &str, host_keys: &str) -> Vec<u8> {
    let mut message = vec![KEXINIT];
    message.extend([7; 16]);
    message.extend(string(exchanges.as_bytes()));
    message.extend(string(host_keys.as_bytes()));
    message
}

fn reply(key: &[u8]) -> Vec<u8> {
    [&[ECDH_REPLY], string(key).as_slice(), &[0; 40]].concat()
}

#[test]
fn the_key_is_what_the_server_shows() {
    let packets = [
        offer("sntrup,ecdh-sha2-nistp256", "ssh-ed25519"),
        reply(b"key"),
    ];
    let mut talk = Conversation::new(&packets);
    assert_eq!(
        host_key(&mut talk, KINDS[0]).unwrap(),
        Some(b"key".to_vec())
    );
    let point = talk.hears.windows(P256.len()).any(|part| part == P256);
    assert!(point, "the point of the exchange that both know");
}

#[test]
fn a_kind_that_the_server_lacks_is_no_key() {
    let mut talk = Conversation::new(&[offer("curve25519-sha256", "ssh-ed25519")]);
    assert_eq!(host_key(&mut talk, KINDS[2]).unwrap(), None);
}

#[test]
fn a_server_that_says_nonsense_is_an_error() {
    let nonsense: [&[u8]; 5] = [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n",
        b"SSH-2.0-x\n\xff\xff\xff\xff",
        b"SSH-2.0-x\n\0\0\0\x02\x09\x14",
        b"SSH-2.0-x\n\0\0\0\x06\x04\x01\0\0\0\0",
    ];
    for said in nonsense {
        let mut talk = Conversation {
            says: Cursor::new(said.to_vec()),
            hears: Vec::new(),
        };
        assert!(host_key(&mut talk, KINDS[0]).is_err(), "{said:?}");
    }
}

/// An sshd of this machine, on a port of its own, ended with the test.
struct Sshd(Child);

impl Drop for Sshd {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn start_sshd(folder: &Path, port: u16) -> Sshd {
    for kind in ["ed25519", "rsa"] {
        let made = Command::new("ssh-keygen")
            .args(["-q", "-N", "", "-t", kind, "-f"])
            .arg(folder.join(kind))
            .status();
        assert!(made.unwrap().success());
    }
    let config = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {0}/ed25519\nHostKey {0}/rsa\nPidFile none\n",
        folder.display()
    );
    std::fs::write(folder.join("config"), config).unwrap();
    // Root's sshd wants it; without root it cannot be made, and is not wanted.
    drop(std::fs::create_dir_all("/run/sshd"));
    let sshd = Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f"])
        .arg(folder.join("config"))
        .stderr(Stdio::null())
        .spawn();
    Sshd(sshd.unwrap())
}

#[test]
fn a_real_sshd_shows_the_keys_of_its_files() {
    if !Path::new("/usr/sbin/sshd").exists() {
        println!("skipped: what a real sshd shows: no sshd");
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let _sshd = start_sshd(scratch.path(), port);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let begun = Instant::now();
    let keys = loop {
        match host_keys(address) {
            Ok(keys) => break keys,
            Err(error) if begun.elapsed() > 4 * LIMIT => panic!("{error}"),
            Err(_) => std::thread::sleep(LIMIT / 50),
        }
    };
    assert_eq!(keys.len(), 2);
    assert!(keys[0].starts_with(b"\0\0\0\x0bssh-ed25519"));
    assert!(keys[1].starts_with(b"\0\0\0\x07ssh-rsa"));
}
