//! The invariants of plans hold in thousands of generated policies with all layouts.

use std::collections::BTreeSet;

use super::{
    PolicyFacts, invariants,
    samples::{PolicySample, package},
};
use crate::verdict::{Code, Finding};

/// A random number generator with a fixed seed: the same policies on every run.
struct PolicyRng(u64);

impl PolicyRng {
    fn below(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides as u64).expect("small")
    }

    fn often(&mut self) -> bool {
        self.below(3) > 0
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// A section of a policy with its lists.
struct GeneratedSection {
    name: &'static str,
    /// Keys with a value each.
    plain: &'static [(&'static str, &'static str)],
    lists: &'static [GeneratedList],
}

struct GeneratedList {
    key: &'static str,
    items: &'static [&'static str],
    /// Whether it may be written as `[[tables]]`: then the items are tables.
    tables: bool,
}

const SECTIONS: &[GeneratedSection] = &[
    GeneratedSection {
        name: "advisories",
        plain: &[("yanked", "'deny'"), ("unmaintained", "\"all\"")],
        lists: &[GeneratedList {
            key: "ignore",
            items: &[
                "\"RUSTSEC-2020-0001\"",
                "{ id = \"RUSTSEC-2020-0002\", reason = \"a # b, [c]\" }",
                "'time@0.1.0'",
                "{ crate = \"serde@1.0.0\", reason = '''x\ny''' }",
                "{id='RUSTSEC-2020-0003'}",
            ],
            tables: false,
        }],
    },
    GeneratedSection {
        name: "licenses",
        plain: &[("confidence-threshold", "0.8"), ("private.ignore", "true")],
        lists: &[
            GeneratedList {
                key: "allow",
                items: &["\"MIT\"", "'Zlib'", "\"Unicode-3.0\""],
                tables: false,
            },
            GeneratedList {
                key: "exceptions",
                items: &[
                    "{ crate = \"a@1.0.0\", allow = [\"MPL-2.0\"] }",
                    "{ name = \"other\", allow = [] }",
                    "{ crate = \"ring\", allow = [\n  \"OpenSSL\", # why\n] }",
                ],
                tables: true,
            },
            GeneratedList {
                key: "clarify",
                items: &[
                    "{ crate = \"x\", expression = \"MIT\", license-files = [{ path = \"LICENSE\", hash = 0xbd0eed23 }] }",
                    "{ name = \"y\", version = \"*\", expression = \"ISC\", license-files = [] }",
                ],
                tables: true,
            },
        ],
    },
    GeneratedSection {
        name: "bans",
        plain: &[("multiple-versions", "\"deny\""), ("workspace-dependencies.unused", "\"warn\"")],
        lists: &[
            GeneratedList {
                key: "skip",
                items: &["\"p\"", "{ crate = \"q@1\", reason = \"r\" }", "{ name = \"s\" }"],
                tables: false,
            },
            GeneratedList { key: "allow", items: &["\"m\"", "{ crate = \"n\" }"], tables: false },
            GeneratedList {
                key: "deny",
                items: &[
                    "{ crate = \"k\", wrappers = [\"l\", 'm'] }",
                    "{ name = \"z\", reason = \"r\" }",
                ],
                tables: true,
            },
            GeneratedList {
                key: "features",
                items: &["{ crate = \"f\", allow = [\"std\"], exact = false }"],
                tables: true,
            },
        ],
    },
    GeneratedSection {
        name: "sources",
        plain: &[("unknown-git", "\"deny\""), ("required-git-spec", "'rev'")],
        lists: &[
            GeneratedList {
                key: "allow-git",
                items: &["\"https://e.org/a\"", "'https://e.org/b'"],
                tables: false,
            },
            GeneratedList {
                key: "allow-org.github",
                items: &["\"one\"", "\"two\""],
                tables: false,
            },
        ],
    },
];

/// A policy in an unusual but valid layout.
fn policy(rng: &mut PolicyRng) -> String {
    let mut roots = String::new();
    let mut rest = String::new();
    let mut order: Vec<&GeneratedSection> = SECTIONS.iter().collect();
    while !order.is_empty() {
        let section = order.remove(rng.below(order.len()));
        if rng.often() {
            write_section(section, rng, &mut roots, &mut rest);
        }
    }
    let head = rng.one(&["", "# a policy\n", "\n\n"]);
    let mut text = format!("{head}{roots}{rest}");
    text.push_str(rng.one(&["", "", "# the end", "\n\n\n"]));
    if rng.below(3) == 0 {
        text.truncate(text.trim_end_matches('\n').len());
    }
    if rng.below(4) == 0 { text.replace('\n', "\r\n") } else { text }
}

fn write_section(
    section: &GeneratedSection,
    rng: &mut PolicyRng,
    roots: &mut String,
    rest: &mut String,
) {
    let name = section.name;
    match rng.below(5) {
        // Dotted keys at the root.
        0 => {
            for (key, value) in some(section.plain, rng) {
                roots.push_str(&format!("{name}.{key} = {value}{}", end(rng)));
            }
            for list in section.lists {
                if rng.often() {
                    let items = array(list, rng, false);
                    roots.push_str(&format!("{name}.{} = {items}{}", list.key, end(rng)));
                }
            }
        }
        // Braces.
        1 => {
            let mut fields = Vec::new();
            for (key, value) in some(section.plain, rng) {
                fields.push(format!("{key} = {value}"));
            }
            for list in section.lists {
                if rng.often() {
                    fields.push(format!("{} = {}", list.key, array(list, rng, false)));
                }
            }
            let pad = rng.one(&["", " "]);
            roots.push_str(&format!("{name} = {{{pad}{}{pad}}}{}", fields.join(", "), end(rng)));
        }
        // Headers.
        _ => {
            let indent = rng.one(&["", "", "  "]);
            let mut tables = String::new();
            let mut body = String::new();
            for (key, value) in some(section.plain, rng) {
                body.push_str(&format!("{indent}{key} = {value}{}", end(rng)));
            }
            for list in section.lists {
                if !rng.often() {
                    continue;
                }
                if list.tables && rng.often() {
                    for _ in 0..=rng.below(2) {
                        write_table(name, list, rng, &mut tables);
                    }
                } else {
                    let items = array(list, rng, true);
                    body.push_str(&format!("{indent}{} = {items}{}", list.key, end(rng)));
                }
            }
            // A section may have only tables.
            if !body.is_empty() || rng.often() {
                let header = rng.one(&["[NAME]", "[ NAME ]", "[\"NAME\"]"]).replace("NAME", name);
                rest.push_str(&format!("{indent}{header}{}{body}", end(rng)));
            }
            rest.push_str(&tables);
            rest.push_str(rng.one(&["", "\n"]));
        }
    }
}

fn some<T: Copy>(all: &[T], rng: &mut PolicyRng) -> Vec<T> {
    all.iter().copied().filter(|_| rng.often()).collect()
}

fn write_table(name: &str, list: &GeneratedList, rng: &mut PolicyRng, tables: &mut String) {
    let item = rng.one(list.items);
    // The fields of the inline table, one per line.
    let item: toml_edit::DocumentMut = format!("x = {item}\n").parse().expect("an item");
    let fields = item["x"].as_inline_table().expect("a table").iter();
    tables.push_str(&format!("[[{name}.{}]]{}", list.key, end(rng)));
    let indent = rng.one(&["", "  "]);
    for (key, value) in fields {
        let value = value.to_string();
        tables.push_str(&format!("{indent}{key} = {}{}", value.trim(), end(rng)));
    }
    tables.push_str(rng.one(&["", "\n", "# below\n"]));
}

fn end(rng: &mut PolicyRng) -> &'static str {
    rng.one(&["\n", "\n", " # a comment, [x]\n", "\n# own line\n", "\n\n", " \n"])
}

fn array(list: &GeneratedList, rng: &mut PolicyRng, lines: bool) -> String {
    let (mut items, mut seen) = (Vec::new(), BTreeSet::new());
    for _ in 0..rng.below(4) {
        let item = rng.one(list.items);
        if seen.insert(item) {
            items.push(item);
        }
    }
    let comma = rng.one(&["", ","]);
    if lines && rng.often() {
        let indent = rng.one(&["    ", "\t", "  "]);
        let mut text = String::from(rng.one(&["[\n", "[ # first\n", "[\n    # \"nothing\",\n"]));
        for (index, item) in items.iter().enumerate() {
            let last = index + 1 == items.len();
            let comma = if last { comma } else { "," };
            let behind = rng.one(&["", "", " # why, [y]", "\n\n", " #"]);
            text.push_str(&format!("{indent}{item}{comma}{behind}\n"));
        }
        return format!("{text}{}]", rng.one(&["", "  "]));
    }
    let separator = rng.one(&[", ", ",", " , "]);
    let pad = rng.one(&["", " "]);
    let comma = if items.is_empty() { "" } else { comma };
    format!("[{pad}{}{comma}{pad}]", items.join(separator))
}

/// Findings that have plans in nearly every policy, and one for each of its entries.
fn findings(text: &str) -> (PolicySample, Vec<Finding>) {
    let marks = entries(text);
    let mut marked = String::new();
    let mut done = 0;
    for placeholder in &marks {
        marked.push_str(&text[done..*placeholder]);
        marked.push_str("$0");
        done = *placeholder;
    }
    marked.push_str(&text[done..]);
    let sample = PolicySample::new(&marked)
        .licensed("a 1.0.0", "MPL-2.0 OR (ISC AND BSL-1.0)")
        .licensed("b 2.0.0", "Apache 2.0");
    let about = |code: Code, packages: &[&str]| {
        let mut finding = sample.finding(code, packages);
        finding.related.clear();
        finding
    };
    let mut findings = vec![
        about(Code::Vulnerability, &["time 0.3.44"]),
        about(Code::Yanked, &["time 0.3.44"]),
        about(Code::Rejected, &["a 1.0.0"]),
        about(Code::ParseError, &["b 2.0.0"]),
        about(Code::Duplicate, &["syn 1.0.0", "syn 2.0.0", "syn 0.15.0"]),
        about(Code::NotAllowed, &["time 0.3.44"]),
    ];
    let mut git = about(Code::SourceNotAllowed, &["a 1.0.0"]);
    git.packages[0].source = Some("git+https://github.com/three/c?rev=1#1".to_owned());
    findings.push(git);
    let mut feature = sample.finding(Code::FeatureNotExplicitlyAllowed, &["f 1.0.0"]);
    feature.message = "feature `new` for crate `f` 1.0.0 was not explicitly allowed".to_owned();
    findings.push(feature);
    let mut wrapper = sample.finding(Code::Banned, &["k 1.0.0"]);
    wrapper.paths = vec![[package("u 1.0.0"), package("k 1.0.0")].into()];
    findings.push(wrapper);
    let all = sample.finding(Code::UnmatchedSkip, &[]);
    for location in all.locations {
        let mut unused = sample.finding(Code::UnmatchedSkip, &[]);
        unused.locations = vec![location];
        findings.push(unused);
    }
    (sample, findings)
}

/// The offsets of strings that are list items or identify one.
fn entries(text: &str) -> Vec<usize> {
    let known = [
        "RUSTSEC-",
        "time@0.1",
        "serde@1",
        "Zlib",
        "MIT",
        "a@1.0.0",
        "q@1",
        "l\", 'm",
        "one",
        "https://e",
    ];
    let mut found: Vec<usize> =
        known.iter().flat_map(|known| text.match_indices(known)).map(|(at, _)| at).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn invariants_hold_in_any_layout() {
    let mut rng = PolicyRng(7);
    let count = std::env::var("SUPERCARGO_POLICIES").ok().and_then(|count| count.parse().ok());
    let count: usize = count.unwrap_or(1000);
    let (mut policies, mut made, mut without_plan) = (0, 0, Vec::new());
    while policies < count {
        let text = policy(&mut rng);
        let sample = PolicySample::new(&text);
        if sample.policy.load().is_err() {
            continue;
        }
        policies += 1;
        let (sample, findings) = findings(&text);
        for finding in findings {
            let plans = sample.plans(&finding);
            let expects = matches!(
                finding.code,
                Some(Code::Vulnerability | Code::Yanked | Code::UnmatchedSkip)
            );
            if plans.is_empty() && expects {
                without_plan.push((
                    finding.code,
                    finding.locations.first().map(|p| p.span.clone()),
                    text.clone(),
                ));
            }
            for plan in plans {
                made += 1;
                let facts = PolicyFacts { policy: &sample.policy, packages: &sample.packages };
                invariants::check_invariants(&finding, &facts, &plan);
            }
        }
    }
    assert!(made > 7 * count, "{made} plans");
    if let Some((code, span, text)) = without_plan.first() {
        panic!("{} of {made} have no plan: {code:?} {span:?}\n{text}", without_plan.len());
    }
}

/// The same for texts that are broken by random edits.
#[test]
fn invariants_hold_in_broken_texts() {
    let mut rng = PolicyRng(11);
    let count = std::env::var("SUPERCARGO_POLICIES").ok().and_then(|count| count.parse().ok());
    let count: usize = count.unwrap_or(1000);
    let pieces = [
        "[", "]", "{", "}", "\"", "'", "\"\"\"", "#", ",", "=", ".", "\n", "\r\n", " ", "\t",
        "ignore", "a", "1", "é",
    ];
    for _ in 0..count {
        let mut text = policy(&mut rng);
        for _ in 0..=rng.below(3) {
            let mut at = rng.below(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let mut end = (at + rng.below(4)).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            let piece = if rng.often() { rng.one(&pieces) } else { "" };
            text.replace_range(at..end, piece);
        }
        super::fuzz_policy(&text);
    }
}
