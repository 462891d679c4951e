//! Generated pages: written when they are stale, and the test fails so that they are committed.

use std::{fmt::Write as _, fs, path::Path};

use supercargo::verdict::{Check, Code};

#[test]
fn the_page_of_codes_is_fresh() {
    let mut page = String::from(
        "# Codes\n\n\
         Every code that a finding can have and the place where it is shown. The names are cargo-deny's; \
         those that begin with `supercargo::` are ours. This page is generated from `Code` in \
         `server/verdict/codes.rs` by `cargo test --release --test house`.\n",
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
        let _ = write!(page, "\n## {title}\n\n| code | means | stands on |\n|---|---|---|\n");
        for code in Code::ALL.iter().filter(|code| code.check() == check) {
            let (name, words, placing) = (code.name(), code.words(), code.placing().words());
            let _ = writeln!(page, "| `{name}` | {words} | {placing} |");
        }
    }
    fresh("server/docs/codes.md", &page);
}

pub(crate) fn fresh(path: &str, page: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let known = fs::read_to_string(&file).unwrap_or_default().replace("\r\n", "\n");
    if known != page {
        fs::write(&file, page).expect("the page can be written");
        panic!("{path} was stale and has been written anew: commit it");
    }
}
