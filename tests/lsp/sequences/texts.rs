//! Texts of manifests and policies, and realistic edits of them.

use crate::dice::Dice;

/// The initial `[workspace.dependencies]`.
pub(super) const INHERITED: [&str; 3] = ["time", "plain", "gpl"];

/// Packages of the registry with requirements; a few have no matching version.
const PACKAGES: [(&str, &[&str]); 8] = [
    (
        "time",
        &[
            "0.3", "=0.3.44", "0.3.44", "0.3.47", "=0.3.47", "0.1", "=0.1.45", ">=0.3.45", "*",
            "<0.3.47",
        ],
    ),
    ("cookie", &["0.18", "0.18.1", "*"]),
    ("plain", &["1", "=1.5.0", "=1.6.0", "1.5", "=1.7.0"]),
    ("gpl", &["1", "1.0.0"]),
    ("isc", &["1", "^1"]),
    ("none", &["1", "=1.0.0"]),
    ("old", &["1", "=1.0.0", "1.0.1"]),
    ("deep", &["2", "2.0"]),
];

const SECTIONS: [&str; 5] = [
    "[dependencies]",
    "[dev-dependencies]",
    "[build-dependencies]",
    "[target.'cfg(windows)'.dependencies]",
    "[target.'cfg(unix)'.dependencies]",
];

const COMMENTS: [&str; 4] = ["# a comment", "# größer 🦀 ünd", "    # further in", "#"];

/// A file of exceptions.
pub(super) const EXCEPTIONS: &str =
    "exceptions = [{ crate = \"gpl\", allow = [\"GPL-3.0-only\"] }] # ours\n";

pub(super) fn manifest(name: &str, more: &str, dice: &mut Dice) -> String {
    let license = *dice.pick(&["MIT", "MIT OR ISC", "Apache-2.0"]);
    let mut text = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"{license}\"\n"
    );
    for (at, section) in SECTIONS.iter().enumerate() {
        if at > 0 && !dice.once_in(4) {
            continue;
        }
        text.push_str(&format!("\n{section}\n"));
        let more = if at == 0 { more } else { "" };
        text.push_str(more);
        for (name, _) in PACKAGES {
            let inherited = more.lines().any(|line| key(line) == name);
            if !inherited && dice.once_in(4) {
                text.push_str(&dependency(name, at == 0, dice));
            }
        }
    }
    text
}

pub(super) fn policy(dice: &mut Dice) -> String {
    let ignore = *dice.pick(&["", "\"RUSTSEC-2024-0436\"", "\"RUSTSEC-2020-0001\""]);
    let allow = *dice.pick(&["\"MIT\"", "\"MIT\", \"ISC\"", "\"MIT\",\n    \"Zlib\",\n"]);
    let graph = *dice.pick(&[
        "",
        "[graph]\ntargets = [\"x86_64-unknown-linux-gnu\"]\n\n",
        "[graph]\nall-features = true\n\n",
    ]);
    let duplicates = *dice.pick(&["warn", "deny", "allow"]);
    let yanked = *dice.pick(&["warn", "deny"]);
    let build = *dice.pick(&["", "[bans.build]\nenable-builtin-globs = true\n\n"]);
    format!(
        "{graph}[advisories]\nyanked = \"{yanked}\"\nignore = [{ignore}]\n\n\
         [licenses]\nallow = [{allow}]\nexceptions = []\n\n\
         [bans]\nmultiple-versions = \"{duplicates}\"\ndeny = []\nskip = []\n\n{build}\
         [sources]\nunknown-git = \"deny\"\n"
    )
}

/// The line of a dependency.
pub(super) fn dependency(name: &str, may_be_optional: bool, dice: &mut Dice) -> String {
    let known = PACKAGES.iter().find(|(known, _)| *known == name);
    let requirement = *dice.pick(known.expect("a package of the registry").1);
    match dice.roll(6) {
        0 => format!("{name} = {{ version = \"{requirement}\" }}\n"),
        1 if may_be_optional => {
            format!("{name} = {{ version = \"{requirement}\", optional = true }}\n")
        }
        2 => format!("{name}   =  '{requirement}' # why\n"),
        3 => format!("{name}.version = \"{requirement}\"\n"),
        _ => format!("{name} = \"{requirement}\"\n"),
    }
}

/// A manifest after one edit. It may be half typed.
pub(super) fn edited_manifest(text: &str, inherits: bool, dice: &mut Dice) -> String {
    let mut lines = lines_of(text);
    let dependencies = dependencies(&lines);
    match dice.roll(13) {
        0 => insert_comment(&mut lines, dice),
        1 => remove_comment(&mut lines),
        2 => spaces(&mut lines, dice),
        3..=6 => {
            if dependencies.is_empty() {
                return text.to_owned();
            }
            let (at, optional) = *dice.pick(&dependencies);
            let name = key(&lines[at]).to_owned();
            lines[at] = if inherits && INHERITED.contains(&name.as_str()) && dice.once_in(3) {
                format!("{name} = {{ workspace = true }}\n")
            } else if lines[at].contains("path") {
                format!("{} # local\n", lines[at].trim_end())
            } else {
                dependency(&name, optional, dice)
            };
        }
        7 => {
            if dependencies.is_empty() {
                return text.to_owned();
            }
            lines.remove(dice.pick(&dependencies).0);
        }
        8..=9 => add_dependency(&mut lines, dice),
        10 => half_typed(&mut lines, dice),
        11 => {
            let swaps = [
                ("\"MIT\"", "\"ISC\""),
                ("\"ISC\"", "\"MIT OR ISC\""),
                ("\"MIT OR ISC\"", "\"MIT\""),
                ("2021", "2018"),
                ("2018", "2021"),
            ];
            let (old, new) = *dice.pick(&swaps);
            return text.replacen(old, new, 1);
        }
        _ => {
            // The first dependency becomes the last.
            let sections: Vec<_> = text.split("\n\n").collect();
            if sections.len() < 2 {
                return text.to_owned();
            }
            let at = dice.roll(sections.len());
            let rotated = sections[at..].iter().chain(&sections[..at]);
            let rotated: Vec<_> = rotated.map(|section| section.trim_end()).collect();
            return rotated.join("\n\n") + "\n";
        }
    }
    lines.concat()
}

/// A policy after one edit. It may be broken.
pub(super) fn edited_policy(text: &str, dice: &mut Dice) -> String {
    let swaps = [
        ("\"MIT\"", "'MIT'"),
        ("'MIT'", "\"MIT\""),
        ("Zlib", "ISC"),
        ("\"ISC\"", "\"GPL-3.0-only\""),
        ("\"GPL-3.0-only\"", "\"Zlib\""),
        ("allow = [\"", "allow = [\"ISC\", \""),
        ("\"deny\"", "\"warn\""),
        ("\"warn\"", "\"deny\""),
        ("ignore = []", "ignore = [\"RUSTSEC-2026-0009\"]"),
        ("ignore = [\"", "ignore = [{ id = \"RUSTSEC-2020-0071\", reason = \"ö 🦀\" }, \""),
        ("RUSTSEC-2026-0009", "RUSTSEC-2024-0436"),
        ("RUSTSEC-2024-0436", "RUSTSEC-2026-0009"),
        ("exceptions = []", "exceptions = [{ crate = \"gpl\", allow = [\"GPL-3.0-only\"] }]"),
        ("crate = \"gpl\"", "crate = \"isc\""),
        ("deny = []", "deny = [{ crate = \"plain\", reason = \"no\" }]"),
        ("\"plain\", reason", "\"cookie\", wrappers = [\"deep\"], reason"),
        ("skip = []", "skip = [\"time@0.1.45\"]"),
        ("time@0.1.45", "time@0.3.44"),
        ("\"x86_64-unknown-linux-gnu\"", "\"x86_64-pc-windows-msvc\""),
        ("all-features = true", "all-features = false"),
        ("[bans]", "[bans] # the rest"),
    ];
    let mut lines = lines_of(text);
    match dice.roll(8) {
        0 => insert_comment(&mut lines, dice),
        1 => remove_comment(&mut lines),
        2 => spaces(&mut lines, dice),
        3 if dice.once_in(3) => half_typed(&mut lines, dice),
        _ => {
            // Most swaps have no effect in most texts.
            let fitting: Vec<_> = swaps.iter().filter(|(old, _)| text.contains(old)).collect();
            if fitting.is_empty() {
                return text.to_owned();
            }
            let (old, new) = **dice.pick(&fitting);
            return text.replacen(old, new, 1);
        }
    }
    lines.concat()
}

/// Whether a parser can read it.
pub(super) fn is_whole(text: &str) -> bool {
    text.parse::<toml::Table>().is_ok()
}

fn lines_of(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(str::to_owned).collect()
}

/// The key of a line.
fn key(line: &str) -> &str {
    line.split(['=', '.', ' ']).next().unwrap_or_default()
}

/// The lines of dependencies, each with whether it may be optional.
fn dependencies(lines: &[String]) -> Vec<(usize, bool)> {
    let mut found = Vec::new();
    let mut section = "";
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with('[') {
            section = line.trim();
        }
        let known = PACKAGES.iter().any(|(name, _)| key(line) == *name) || line.contains("path =");
        if section.contains("dependencies") && known {
            found.push((at, section == "[dependencies]"));
        }
    }
    found
}

fn insert_comment(lines: &mut Vec<String>, dice: &mut Dice) {
    let at = dice.roll(lines.len() + 1);
    lines.insert(at, format!("{}\n", dice.pick(&COMMENTS)));
}

fn remove_comment(lines: &mut Vec<String>) {
    if let Some(at) = lines.iter().position(|line| line.trim_start().starts_with('#')) {
        lines.remove(at);
    }
}

fn spaces(lines: &mut Vec<String>, dice: &mut Dice) {
    let at = dice.roll(lines.len());
    match dice.roll(3) {
        0 => lines.insert(at, "\n".to_owned()),
        1 => lines[at] = format!("{}  \n", lines[at].trim_end()),
        _ => lines[at] = lines[at].replacen(" = ", "  =\t", 1),
    }
}

fn add_dependency(lines: &mut Vec<String>, dice: &mut Dice) {
    let (name, _) = *dice.pick(&PACKAGES);
    let section = *dice.pick(&SECTIONS);
    let header = lines.iter().position(|line| line.trim() == section);
    let is_virtual = lines.iter().any(|line| line.starts_with("[workspace.dependencies]"));
    match header {
        _ if is_virtual => {}
        Some(header) => {
            let ours = lines[header + 1..].iter().take_while(|line| !line.starts_with('['));
            if !ours.into_iter().any(|line| key(line) == name) {
                lines.insert(header + 1, dependency(name, section == SECTIONS[0], dice));
            }
        }
        None => {
            lines.push(format!("\n{section}\n"));
            lines.push(dependency(name, section == SECTIONS[0], dice));
        }
    }
}

fn half_typed(lines: &mut Vec<String>, dice: &mut Dice) {
    let at = dice.roll(lines.len());
    match dice.roll(3) {
        0 => lines.insert(at, "tim".to_owned() + "\n"),
        1 => {
            let line = lines[at].clone();
            let cut = line.char_indices().nth(line.chars().count() / 2);
            lines[at] = format!("{}\n", &line[..cut.map_or(0, |(at, _)| at)]);
        }
        _ => lines.push("time = \"0.\n".to_owned()),
    }
}
