//! What the page shows, and that nothing a node has said gets out of it.

use jumpspec::fleet::{Entry, What};
use jumpspec::job::FleetWish;
use jumpspec::words::digest::Digest;
use jumpspec::words::run_id::RunId;

use super::*;

const EVIL: &str = "</script><script>alert(1)</script>&\"'<!--title-->";

fn told(nodes: &[&str], entries: Vec<(u64, What)>) -> Told {
    let nodes = nodes.iter().map(|node| (*node).to_owned()).collect();
    let image = Digest::of(b"image");
    let job = Path::new("/a<b>/job.toml");
    let run = RunId::new(7);
    let record = Record::now(run, job, [image; 2], FleetWish::default(), nodes).unwrap();
    let group = Group {
        shape: image,
        nodes: EVIL.to_owned(),
        count: 2,
        plan: format!("\u{1b}[1m{EVIL}\u{1b}[0m"),
        notes: vec![("n1".to_owned(), EVIL.to_owned())],
    };
    let lines = entries
        .into_iter()
        .map(|(at, what)| serde_json::to_string(&Entry { at, what }).unwrap() + "\n");
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(90);
    Told::of(record, vec![group], &lines.collect::<String>(), now, true)
}

fn failed(node: &str, code: &str, message: &str) -> What {
    What::Failed {
        node: node.to_owned(),
        code: code.to_owned(),
        message: message.to_owned(),
        apart: false,
    }
}

fn staging(node: &str) -> What {
    What::Staging {
        node: node.to_owned(),
        run: RunId::new(9),
    }
}

fn page(told: &Told) -> String {
    let links = Links::from_elsewhere(Path::new("/var/a b/fleets/7")).unwrap();
    told.html(&links).unwrap()
}

fn data(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(data).unwrap()
}

#[test]
fn nothing_that_was_said_becomes_markup() {
    let stopped = What::Stopped {
        rule: jumpspec::fleet::Rule::Count,
        message: EVIL.to_owned(),
    };
    let entries = vec![(1, failed(EVIL, EVIL, EVIL)), (2, stopped)];
    let page = page(&told(&[EVIL], entries));
    assert!(
        !page.contains("<script>alert") && !page.contains("<b>/job") && !page.contains('\u{1b}')
    );
    assert_eq!(page.matches("</script>").count(), 2);
    let data = data(&page);
    assert_eq!(data["nodes"][0]["n"], EVIL);
    assert_eq!(data["nodes"][0]["w"], serde_json::json!([EVIL, EVIL]));
    assert_eq!(data["marks"][0]["why"], EVIL);
}

#[test]
fn nothing_is_fetched_from_elsewhere() {
    let page = page(&told(&["n1"], vec![(1, staging("n1"))]));
    for word in ["http:", "https:", "src=", "url(", "@import"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'"));
    assert!(page.contains("\"file:///var/a%20b/fleets/7/ok.nodes\""));
}

#[test]
fn reasons_are_folded_by_their_codes_with_where_nodes_were() {
    let nodes = ["n1", "n2", "n3", "n4"];
    let left_out = What::LeftOut {
        node: "n4".to_owned(),
        code: "x".to_owned(),
        message: "w".to_owned(),
    };
    let told = told(
        &nodes,
        vec![
            (1, left_out),
            (2, staging("n1")),
            (2, staging("n2")),
            (3, failed("n1", "x", "one")),
            (4, failed("n2", "x", "two")),
        ],
    );
    let reasons = tables::reasons(&told);
    let reasons = reasons.replace("</td>", "|").replace("</th>", "|");
    let rows: Vec<_> = reasons
        .lines()
        .filter(|line| line.contains("row"))
        .collect();
    let [failed, left_out] = rows[..] else {
        panic!("{rows:?}")
    };
    let texts = |row: &str| {
        let stripped: Vec<_> = row
            .split('<')
            .map(|it| it.split_once('>').map_or("", |it| it.1))
            .collect();
        stripped.concat()
    };
    assert_eq!(
        texts(failed),
        "x|failed|2|staging 2|one (one of 2 wordings)|n[1-2]|"
    );
    assert_eq!(texts(left_out), "x|left out|1|the survey 1|w|n4|");
}

#[test]
fn lanes_go_on_until_now_while_somebody_conducts() {
    let told = told(&["n1", "n2"], vec![(30_000, staging("n1"))]);
    let data = data(&page(&told));
    assert_eq!(data["begun"], 30_000);
    assert_eq!(data["periods"], serde_json::json!([[0, 60_000]]));
    assert_eq!(data["nodes"][0]["b"], serde_json::json!([["s", 0, 60_000]]));
    assert_eq!(
        data["nodes"][1],
        serde_json::json!({ "n": "n2", "s": "untouched", "b": [] })
    );
    assert_eq!(clock(30_000), "1970-01-01T00:00:30Z");
    assert_eq!(clock(u64::MAX), "");
}
