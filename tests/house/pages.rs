//! Generated pages. A stale page is written again, and its test fails so that it is committed.

use std::{fmt::Write as _, fs, path::Path};

use supercargo::{
    policy::CONVENTION,
    verdict::{Check, Code},
};

#[test]
fn codes_page_is_fresh() {
    let mut page = String::from(
        "# Codes\n\n\
         Every code of a finding and its location. The names are cargo-deny's; \
         those with the prefix `supercargo::` are ours. This page is generated from `Code` in \
         `server/verdict/codes.rs` by `cargo test --test house`.\n",
    );
    let checks = [
        (Check::Advisories, "advisories"),
        (Check::Bans, "bans"),
        (Check::Licenses, "licenses"),
        (Check::Sources, "sources"),
        (Check::Config, "config: the policy itself"),
        (Check::Supercargo, "supercargo: findings of our own"),
    ];
    for (check, title) in checks {
        let _ = write!(page, "\n## {title}\n\n| code | meaning | location |\n|---|---|---|\n");
        for code in Code::ALL.iter().filter(|code| code.check() == check) {
            let (name, words, location_rule) =
                (code.name(), code.description(), code.location_rule().description());
            let _ = writeln!(page, "| `{name}` | {words} | {location_rule} |");
        }
    }
    let _ = write!(page, "\n## Reasons and dates\n\n{CONVENTION}\n");
    page.push_str(
        "\nA code action deletes a shadowed policy. There is none for the policy of a workspace member, because \
         cargo-deny uses it when it runs in that folder.\n\nOur findings about the policy are hints and warnings. They do not affect the exit code, except with \
         `supercargo check --strict`, which sets exit bit 16.\n",
    );
    fresh("server/docs/codes.md", &page);
}

#[test]
fn manual_page_is_fresh() {
    // Its date would be that of the build.
    let command = supercargo::cli::command();
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(command.clone());
    man.render(&mut page).expect("a page can be written");
    for word in command.get_subcommands() {
        let name = format!("supercargo {}", word.get_name());
        let word = word.clone().display_name(name.clone()).bin_name(name.clone());
        let man = clap_mangen::Man::new(word);
        let mut part = Vec::new();
        man.render_synopsis_section(&mut part).expect("a page can be written");
        man.render_description_section(&mut part).expect("a page can be written");
        man.render_options_section(&mut part).expect("a page can be written");
        let part = String::from_utf8(part).expect("UTF-8");
        let title = name.to_uppercase();
        let part = part.replacen(".SH SYNOPSIS\n", &format!(".SH {title}\n"), 1);
        let part = part.replace(".SH DESCRIPTION\n", ".PP\n").replace(".SH OPTIONS\n", ".PP\n");
        page.extend(part.bytes());
    }
    // All commands are on this page, and the apostrophe is defined once.
    let mut text = String::from_utf8(page).expect("UTF-8");
    for name in command.get_subcommands().map(clap::Command::get_name).chain(["help"]) {
        text = text.replace(&format!("supercargo\\-{name}(1)"), &format!("\\fB{name}\\fR"));
    }
    let end = text.match_indices('\n').nth(1).map_or(0, |(at, _)| at + 1);
    let preamble = text[..end].to_owned();
    text = format!("{preamble}{}", text.replace(&preamble, ""));
    fresh("server/docs/supercargo.1", &text);
}

pub(crate) fn fresh(path: &str, page: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let known = fs::read_to_string(&file).unwrap_or_default().replace("\r\n", "\n");
    if known != page {
        fs::write(&file, page).expect("the page can be written");
        panic!("{path} was stale and has been written again: commit it");
    }
}
