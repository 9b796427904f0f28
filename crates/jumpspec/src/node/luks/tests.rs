use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::crypttab::{Line, lines};
use super::{LuksVolume, Seal, UNREADABLE, seals};

/// The JSON area of a volume with one token.
fn with(token: &Value) -> Vec<Seal> {
    let header = json!({"keyslots": {}, "tokens": {"0": token}, "segments": {}});
    seals(&header.to_string())
}

fn sealed(by: &str, pcrs: impl Into<Option<Vec<u32>>>) -> Vec<Seal> {
    vec![Seal {
        by: by.to_owned(),
        pcrs: pcrs.into(),
    }]
}

/// The protected header of a JWE of clevis.
fn header(clevis: &Value) -> String {
    let header = json!({"alg": "dir", "clevis": clevis, "enc": "A256GCM"});
    URL_SAFE_NO_PAD.encode(header.to_string())
}

fn clevis(pin: &Value) -> Value {
    json!({"type": "clevis", "keyslots": ["1"], "jwe": {"protected": header(pin), "tag": "x"}})
}

fn tpm(pcrs: &str) -> Value {
    json!({"pin": "tpm2", "tpm2": {"hash": "sha256", "pcr_bank": "sha256", "pcr_ids": pcrs}})
}

#[test]
fn systemds_tokens_name_their_registers() {
    let token = |more: Value| {
        let mut token = json!({"type": "systemd-tpm2", "keyslots": ["1"], "tpm2-pcrs": [7]});
        let more = more.as_object().unwrap().clone();
        token.as_object_mut().unwrap().extend(more);
        with(&token)
    };
    let is = |pcrs: &[u32]| sealed("systemd-tpm2", pcrs.to_vec());
    assert_eq!(token(json!({})), is(&[7]));
    assert_eq!(token(json!({"tpm2_pubkey_pcrs": [11]})), is(&[7, 11]));
    let none = token(json!({"tpm2-pcrs": [], "tpm2_pubkey_pcrs": []}));
    assert_eq!(none, is(&[]));
    assert!(!none[0].is_bound());
    let unknown = sealed("systemd-tpm2", None);
    assert_eq!(
        token(json!({"tpm2-pcrs": [], "tpm2_pcrlock": true})),
        unknown
    );
    assert_eq!(token(json!({"tpm2-pcrs": "7"})), unknown);
    assert_eq!(token(json!({"tpm2-pcrs": [-1]})), unknown);
    assert!(unknown[0].is_bound());
}

#[test]
fn clevis_binds_to_registers_to_a_tpm_alone_or_to_a_server() {
    assert_eq!(with(&clevis(&tpm("0,7"))), sealed("clevis", vec![0, 7]));
    let any_boot = json!({"pin": "tpm2", "tpm2": {"hash": "sha256"}});
    assert_eq!(with(&clevis(&any_boot)), sealed("clevis", vec![]));
    let server = json!({"pin": "tang", "tang": {"url": "http://tang"}});
    assert_eq!(with(&clevis(&server)), []);
    let share = |pin: &Value| format!("{}..iv.text.tag", header(pin));
    let shares = |jwe: &[String]| json!({"pin": "sss", "sss": {"t": 1, "jwe": jwe}});
    let both = shares(&[share(&server), share(&tpm("7"))]);
    assert_eq!(with(&clevis(&both)), sealed("clevis", vec![7]));
    assert_eq!(with(&clevis(&shares(&[share(&server)]))), []);
    assert_eq!(
        with(&clevis(&shares(&[share(&both)]))),
        sealed("clevis", vec![7])
    );
}

#[test]
fn what_cannot_be_understood_is_counted() {
    let unknown = sealed("clevis", None);
    for token in [
        json!({"type": "clevis"}),
        json!({"type": "clevis", "jwe": {"protected": "!"}}),
        clevis(&json!({"pin": "sss"})),
        clevis(&json!({"pin": "tpm1u"})),
        clevis(&json!({"pin": "tpm2", "tpm2": {"pcr_ids": [7]}})),
    ] {
        assert_eq!(with(&token), unknown, "{token}");
    }
    let mut nested = tpm("7");
    for _ in 0..9 {
        let share = format!("{}.", header(&nested));
        nested = json!({"pin": "sss", "sss": {"jwe": [share]}});
    }
    assert_eq!(with(&clevis(&nested)), unknown);
    let unreadable = sealed(UNREADABLE, None);
    assert_eq!(with(&json!({"keyslots": []})), unreadable);
    assert_eq!(seals("{\"tokens\": []}"), unreadable);
    assert_eq!(seals("{"), unreadable);
    assert_eq!(
        with(&json!({"type": "ubuntu-fde"})),
        sealed("ubuntu-fde", None)
    );
    assert_eq!(with(&json!({"type": "ubuntu-fde-recovery"})), []);
    assert_eq!(with(&json!({"type": "my-tpm"})), sealed("my-tpm", None));
    assert_eq!(with(&json!({"type": "luks2-keyring"})), []);
    assert_eq!(seals("{\"keyslots\": {}}"), []);
}

#[test]
fn a_seal_counts_where_the_volume_is_open_or_opened_at_boot() {
    let volume = |is_open, at_boot| LuksVolume {
        device: "/dev/vda3".to_owned(),
        is_open,
        at_boot,
        seals: sealed("systemd-tpm2", vec![7]),
    };
    assert!(volume(true, false).bound().is_some() && volume(false, true).bound().is_some());
    assert_eq!(volume(false, false).bound(), None);
}

#[test]
fn crypttab_says_what_is_opened_at_boot_and_by_what() {
    let text = "# name device key options\n\n\
         root UUID=1234 none luks,discard\n\
         data /dev/vg/data - tpm2-device=auto,nofail\n\
         late PARTLABEL=\"late\" none noauto,tpm2-device=auto\n\
         alone\n\
         swap LABEL=cswap\n\
         old /dev/sdb1 none luks,keyscript=/usr/local/bin/tpm2-unseal\n";
    let line = |name: &str, source: &str, by_tpm| Line {
        name: name.to_owned(),
        source: source.to_owned(),
        by_tpm,
    };
    let found = lines(text);
    let wanted = [
        line("root", "UUID=1234", false),
        line("data", "/dev/vg/data", true),
        line("swap", "LABEL=cswap", false),
        line("old", "/dev/sdb1", true),
    ];
    assert_eq!(found, wanted);
    let paths: Vec<String> = found.iter().map(Line::path).collect();
    assert_eq!(
        paths,
        [
            "/dev/disk/by-uuid/1234",
            "/dev/vg/data",
            "/dev/disk/by-label/cswap",
            "/dev/sdb1"
        ]
    );
}
