//! One page with a treemap and tables: it needs no network and no other file.
//!
//! Names in an image may be anything. They are made safe to be shown first, then escaped
//! for HTML, or for JSON inside HTML; the script puts them into the page as text only.

mod tiles;

use std::fmt::Write as _;

use anyhow::Context as _;
use jumparchive::Image;
use jumpspec::words::size::Size;

use super::facts::{self, Fact};
use crate::error::Trouble;
use crate::html::{self, escaped};
use crate::image::weight::{HeavyFile, Weight, Weights};
use jumpspec::words::shown;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Rows of a table.
const ROWS: usize = 20;

/// The page of an image.
pub(super) fn html(image: &Image, weights: &Weights) -> Result<String, Trouble> {
    let page = compose(&facts::title(image), &facts::facts(image), weights);
    Ok(page.context("cannot write JSON")?)
}

fn compose(title: &str, facts: &[Fact], weights: &Weights) -> serde_json::Result<String> {
    let data = serde_json::to_string(&tiles::Tiles::new(weights))?;
    let values = [
        ("title", &*escaped(title)),
        ("common-style", html::STYLE),
        ("style", STYLE),
        ("facts", &html::facts(facts)),
        ("tables", &tables(weights)),
        ("tool", concat!("jumpimg ", env!("CARGO_PKG_VERSION"))),
        ("data", &html::data(&data)),
        ("script", SCRIPT),
    ];
    Ok(html::fill(TEMPLATE, &values))
}

/// The heaviest files and packages, for whom a treemap is of no use and without scripts.
fn tables(weights: &Weights) -> String {
    let mut html = String::new();
    let packages = weights.ledger.packages();
    let owner = |file: &HeavyFile| file.package.map(|place| packages[place].name.clone());
    let files = weights.heaviest.iter().take(ROWS).map(|file| Row {
        name: shown::path(&file.path),
        more: owner(file).unwrap_or_else(|| "–".to_owned()),
        weight: file.weight,
    });
    table(
        &mut html,
        weights,
        ("Heaviest files", "File", "Package"),
        files,
    );
    let ranked = weights.ranked_packages();
    if !ranked.is_empty() {
        let rows = ranked.iter().take(ROWS).map(|place| Row {
            name: packages[*place].name.clone(),
            more: packages[*place].version.clone().unwrap_or_default(),
            weight: weights.packages[*place],
        });
        let unowned = Row {
            name: "files of no package".to_owned(),
            more: String::new(),
            weight: weights.unowned(),
        };
        let rows = rows.chain([unowned]);
        table(
            &mut html,
            weights,
            ("Heaviest packages", "Package", "Version"),
            rows,
        );
    }
    for note in weights.ledger.notes() {
        let _ = writeln!(html, "<p class=\"note\">{}</p>", escaped(note));
    }
    html
}

/// A line of a table.
struct Row {
    name: String,
    more: String,
    weight: Weight,
}

fn table(
    html: &mut String,
    weights: &Weights,
    (title, name, more): (&str, &str, &str),
    rows: impl Iterator<Item = Row>,
) {
    let head = |text: &str| format!("<th scope=\"col\">{text}</th>");
    let right = |text: &str| format!("<th scope=\"col\" class=\"n\">{text}</th>");
    let heads = [
        head(name),
        right("Size"),
        right("Compressed"),
        right("Share"),
        head(more),
    ];
    let heads = heads.concat();
    let _ = writeln!(
        html,
        "<section><h2>{title}</h2><div class=\"scroll\"><table><thead><tr>{heads}</tr></thead><tbody>"
    );
    for row in rows {
        let _ = writeln!(
            html,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
            escaped(&row.name),
            Size(row.weight.size),
            Size(row.weight.compressed),
            weights.percent(row.weight),
            escaped(&row.more),
        );
    }
    html.push_str("</tbody></table></div></section>\n");
}

#[cfg(test)]
mod tests;
