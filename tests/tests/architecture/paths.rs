//! The paths that a file of Rust names, as far as they may lead to other files of its crate. Read
//! from its tokens, so that what stands in a macro counts as well; what is for tests does not.

use std::iter::Peekable;

use proc_macro2::{Delimiter, TokenStream, TokenTree, token_stream};

/// A path, segment by segment, as it is written: it may begin with `crate`, `self`, `super`.
pub(crate) type Path = Vec<String>;

/// What a file names.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Every path, those of `use` among them.
    pub(crate) paths: Vec<Path>,
    /// What `use` brings in: the name that it has here, and the path.
    pub(crate) uses: Vec<(String, Path)>,
    /// Child modules that are for tests.
    pub(crate) test_modules: Vec<String>,
}

/// Reads a file's text.
///
/// # Panics
/// If it is no Rust.
pub(crate) fn read(text: &str) -> Named {
    let tokens: TokenStream = text.parse().expect("tokens of Rust");
    let mut named = Named::default();
    scan(tokens, &mut named);
    named
}

type Tokens = Peekable<token_stream::IntoIter>;

fn scan(tokens: TokenStream, named: &mut Named) {
    let mut tokens = tokens.into_iter().peekable();
    let mut follows_path = false;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' && for_tests(tokens.peek()) => {
                tokens.next();
                named.test_modules.extend(skip_item(&mut tokens));
            }
            TokenTree::Group(group) => scan(group.stream(), named),
            TokenTree::Ident(ident) if ident == "use" => {
                for (name, path) in tree(&mut tokens, &Vec::new()) {
                    named.paths.push(path.clone());
                    named.uses.push((name, path));
                }
            }
            TokenTree::Ident(ident) if !follows_path => {
                let path = path(ident.to_string(), &mut tokens);
                if path.len() > 1 {
                    named.paths.push(path);
                }
            }
            _ => {}
        }
        follows_path = false;
        while separator(&mut tokens) {
            follows_path = true;
        }
    }
}

/// Takes a `::`, if one comes.
fn separator(tokens: &mut Tokens) -> bool {
    let mut taken = 0;
    while taken < 2
        && let Some(TokenTree::Punct(punct)) = tokens.peek()
        && punct.as_char() == ':'
        && (taken == 1 || punct.spacing() == proc_macro2::Spacing::Joint)
    {
        tokens.next();
        taken += 1;
    }
    taken == 2
}

fn path(first: String, tokens: &mut Tokens) -> Path {
    let mut path = vec![first];
    while separator(tokens) {
        let Some(TokenTree::Ident(ident)) = tokens.peek() else {
            break;
        };
        path.push(ident.to_string());
        tokens.next();
    }
    path
}

/// The leaves of a `use`, each with the name that it has here; `_` has none that counts.
fn tree(tokens: &mut Tokens, before: &Path) -> Vec<(String, Path)> {
    let mut path = before.clone();
    loop {
        match tokens.next() {
            Some(TokenTree::Ident(ident)) if ident == "as" => {
                let name = tokens.next().map(|name| name.to_string());
                return vec![(name.unwrap_or_default(), path)];
            }
            Some(TokenTree::Ident(ident)) if ident == "self" && !before.is_empty() => {}
            Some(TokenTree::Ident(ident)) => path.push(ident.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let mut inner = group.stream().into_iter().peekable();
                let mut leaves = Vec::new();
                while inner.peek().is_some() {
                    leaves.extend(tree(&mut inner, &path));
                }
                return leaves;
            }
            Some(TokenTree::Punct(punct)) if punct.as_char() == ':' => {}
            // A comma, a semicolon, a star, or the end.
            _ => return vec![(path.last().cloned().unwrap_or_default(), path)],
        }
    }
}

/// Whether an attribute is `[cfg(test)]`.
fn for_tests(attribute: Option<&TokenTree>) -> bool {
    attribute.is_some_and(|tokens| tokens.to_string().replace(' ', "") == "[cfg(test)]")
}

/// Takes what an attribute belongs to, up to a semicolon or the end of a block; its name, if it is a
/// module.
fn skip_item(tokens: &mut Tokens) -> Option<String> {
    let mut module = None;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if ident == "mod" => {
                module = tokens.next().map(|name| name.to_string());
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => break,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => break,
            _ => {}
        }
    }
    module
}
