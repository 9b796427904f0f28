//! What the page shows, and that no name gets out of it.

use super::*;
use crate::image::packages::Ledger;
use crate::image::weight::{Item, Measure, Scales};

const EVIL: &[u8] = b"usr/</script><script>alert(1)</script>&\"'<!--title-->/x";

fn weights() -> Weights {
    let mut ledger = Ledger::default();
    ledger.dpkg_list("bash<b>", b"/usr/bin/bash\n");
    let mut scales = Scales::new(ledger, Measure::Compressed);
    let mut add = |path: &[u8], size, compressed| {
        scales.add(Item {
            path,
            directory: false,
            size,
            compressed,
        });
    };
    add(b"usr/bin/bash", 2_000_000, 900_000);
    add(EVIL, 1_000_000, 500_000);
    for number in 0..100 {
        add(format!("etc/{number}").as_bytes(), 20, 10);
    }
    scales.finish()
}

fn data(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(data).unwrap()
}

#[test]
fn no_name_becomes_markup() {
    let facts = [("system", "<img src=x onerror=alert(1)>".to_owned())];
    let page = compose("a<b>", &facts, &weights()).unwrap();
    assert!(!page.contains("<script>alert") && !page.contains("<img") && !page.contains("<b>"));
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(page.contains("&lt;/script&gt;&lt;script&gt;alert(1)"));
    let evil = &data(&page)["directories"]["b"][0]["b"][1];
    assert_eq!(evil["n"], "<");
    assert_eq!(evil["b"][0]["n"], "script><script>alert(1)<");
}

#[test]
fn nothing_is_fetched_from_elsewhere() {
    let page = compose("x", &[], &weights()).unwrap();
    for word in ["http:", "https:", "src=", "href=", "url(", "@import"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn tiles_add_up_and_small_ones_are_folded() {
    let data = serde_json::to_value(tiles::Tiles::new(&weights())).unwrap();
    insta::assert_json_snapshot!(data);
}
