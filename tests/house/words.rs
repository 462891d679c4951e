//! One word for one thing: the glossary of `server/ARCHITECTURE.md`, as a test.
//!
//! Identifiers are read word by word (`CheckRequest` is `check` and `request`), and so is everything else of a source file: its
//! messages and comments. Pages are read as prose.

use std::{fmt, fs, ops::Range, path::Path};

use proc_macro2::{TokenStream, TokenTree};

use crate::sources::below;

/// A word that is not used, and what is written instead.
struct Avoided {
    /// All its forms.
    forms: &'static [&'static str],
    instead: &'static str,
    /// It is an ordinary word in a sentence.
    only_in_names: bool,
}

const fn never(forms: &'static [&'static str], instead: &'static str) -> Avoided {
    Avoided { forms, instead, only_in_names: false }
}

const fn no_name(forms: &'static [&'static str], instead: &'static str) -> Avoided {
    Avoided { forms, instead, only_in_names: true }
}

const AVOIDED: &[Avoided] = &[
    never(&["licence", "licences", "licenced", "licencing"], "license"),
    never(&["judge", "judges", "judged", "judging", "judgement", "judgment"], "check"),
    never(&["declaration", "declarations"], "dependency"),
    never(&["entrance", "entrances"], "direct dependency"),
    never(&["essence"], "fingerprint"),
    never(&["trouble", "troubles"], "failure"),
    never(&["wish", "wishes", "wished"], "request"),
    never(&["audience", "patience", "haste"], "progress, timeout or priority"),
    never(&["mend", "mends", "mended", "mending"], "fix"),
    never(&["tell", "tells", "told", "telling"], "report, show or send"),
    never(&["stands", "whoever", "somebody", "nobody", "anybody", "vain"], "a plain word"),
    no_name(&["question", "questions"], "request"),
    no_name(&["answer", "answers", "answered"], "result, response or fix"),
    no_name(&["shape"], "fingerprint"),
    no_name(&["tried", "ground", "beside"], "overlay"),
    no_name(&["place", "places"], "location"),
    no_name(&["said", "meant", "manner", "gentle", "gently"], "what the value is"),
];

/// Names of others and names that do not change, and why. They are not read.
const NAMES: &[(&str, &str)] = &[
    ("member-not-judged", "a code: codes are a contract"),
    ("include_declaration", "a field of `ReferenceContext` in the Language Server Protocol"),
    ("includeDeclaration", "the same in JSON"),
    ("not all declarations use", "a message of cargo-deny"),
];

/// This file lists the words.
const THIS_FILE: &str = "tests/house/words.rs";

/// What is read, from the repository's root.
const ROOTS: [&str; 4] = ["README.md", "server", "tests", "editors"];

/// Written by others, or data.
const LEFT_OUT: [&str; 7] =
    ["node_modules", "target", "dist", "fixtures", "profiles", "cases", "package-lock.json"];

struct Use {
    path: String,
    /// From 1.
    line: usize,
    word: String,
    instead: &'static str,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, word, instead } = self;
        write!(f, "{path}:{line}: `{word}`; use {instead}")
    }
}

#[test]
fn words_of_the_glossary_are_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut uses = Vec::new();
    for path in ROOTS.iter().flat_map(|top| below(root, top, &LEFT_OUT)) {
        let Some(read) = reader(&path).filter(|_| path != THIS_FILE) else { continue };
        let text = without_names(fs::read_to_string(root.join(&path)).expect("a text file"));
        uses.extend(read(&text).into_iter().map(|(at, word, instead)| {
            let line = text[..at].matches('\n').count() + 1;
            Use { path: path.clone(), line, word, instead }
        }));
    }
    let report: Vec<_> = uses.iter().map(ToString::to_string).collect();
    assert!(uses.is_empty(), "{} words:\n{}", uses.len(), report.join("\n"));
}

#[test]
fn names_messages_and_comments_are_read() {
    let found = |text: &str| -> Vec<String> {
        in_rust(text).into_iter().map(|(_, word, _)| word).collect()
    };
    assert_eq!(found("fn is_judged() {}"), ["judged"]);
    assert_eq!(found("struct FixQuestion;"), ["question"]);
    assert_eq!(found("/// What is told.\nstruct Fix; // mend it"), ["told", "mend"]);
    assert_eq!(found("const TEXT: &str = \"no licence can be told\";"), ["licence", "told"]);
    assert_eq!(
        found("/// A question in a place.\nfn entry() -> &'static str { \"the answer\" }"),
        [""; 0]
    );
    assert_eq!(found("const CHECKED: bool = fingerprint();"), [""; 0]);
}

/// The text with `_` in place of each letter of such names: lines and offsets stay.
fn without_names(text: String) -> String {
    NAMES.iter().fold(text, |text, (name, _)| text.replace(name, &"_".repeat(name.len())))
}

type Found = (usize, String, &'static str);

fn reader(path: &str) -> Option<fn(&str) -> Vec<Found>> {
    match Path::new(path).extension()?.to_str()? {
        "rs" => Some(in_rust),
        "ts" | "mjs" | "lua" | "json" | "md" | "toml" => Some(in_prose),
        _ => None,
    }
}

fn in_rust(text: &str) -> Vec<Found> {
    let mut names = Vec::new();
    identifiers(text.parse().expect("a source file"), &mut names);
    let mut found = Vec::new();
    let mut rest = 0;
    for name in names {
        found.extend(words(text, rest..name.start, false));
        found.extend(words(text, name.clone(), true));
        rest = name.end;
    }
    found.extend(words(text, rest..text.len(), false));
    found
}

fn in_prose(text: &str) -> Vec<Found> {
    words(text, 0..text.len(), false)
}

/// The spans of all identifiers, in order.
fn identifiers(tokens: TokenStream, found: &mut Vec<Range<usize>>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => identifiers(group.stream(), found),
            // Comments on items come as `#[doc = ".."]`, all of it where the comment is.
            TokenTree::Ident(name) if name != "doc" => found.push(name.span().byte_range()),
            _ => {}
        }
    }
}

/// The avoided words of a part of a text: `CheckRequest` and `check_request` are two words each.
fn words(text: &str, part: Range<usize>, is_name: bool) -> Vec<Found> {
    let mut found = Vec::new();
    let mut start = part.start;
    let mut before = '\0';
    for (at, c) in text[part.clone()].char_indices().map(|(at, c)| (part.start + at, c)) {
        let begins = !before.is_alphabetic() || c.is_uppercase() && before.is_lowercase();
        if !c.is_alphabetic() || begins {
            found.extend(
                avoided(&text[start..at], is_name).map(|(word, instead)| (start, word, instead)),
            );
            start = if c.is_alphabetic() { at } else { at + c.len_utf8() };
        }
        before = c;
    }
    found.extend(
        avoided(&text[start..part.end], is_name).map(|(word, instead)| (start, word, instead)),
    );
    found
}

fn avoided(word: &str, is_name: bool) -> Option<(String, &'static str)> {
    let word = word.to_lowercase();
    let of_it =
        |one: &&Avoided| one.forms.contains(&word.as_str()) && (is_name || !one.only_in_names);
    let instead = AVOIDED.iter().find(of_it)?.instead;
    Some((word, instead))
}
