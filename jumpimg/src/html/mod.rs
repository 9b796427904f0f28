//! Pages that are one file, and need no network: a template, in which foreign text stands escaped alone.

use std::fmt::Write as _;

/// How all pages look.
pub(crate) const STYLE: &str = include_str!("page.css");

/// The template with each `<!--name-->` replaced; what is put in is not looked at again.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut page = String::new();
    let mut parts = template.split("<!--");
    page.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_once("-->").unwrap_or((part, ""));
        let value = values.iter().find(|(key, _)| *key == name);
        page.push_str(value.map_or("", |(_, value)| value));
        page.push_str(rest);
    }
    page
}

/// Text for HTML, in elements and in quoted attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// JSON for an element of a script: `</script>` must not end it, and `<` stands in JSON's texts only.
pub(crate) fn data(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// The entries of a list of facts.
pub(crate) fn facts<K: AsRef<str>>(facts: &[(K, String)]) -> String {
    let mut list = String::new();
    for (key, value) in facts {
        let (key, value) = (escaped(key.as_ref()), escaped(value));
        // Writing to a String cannot fail.
        let _ = write!(list, "<div><dt>{key}</dt><dd>{value}</dd></div>");
    }
    list
}
