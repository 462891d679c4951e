//! The report for people: one HTML file that needs nothing else, neither a network nor a script. All texts of a repository are
//! escaped (`markup`), and its policy for content (CSP) permits only its own style and script. The markup is XML, too, so that
//! tests can read it strictly.

mod findings;
mod fixes;
mod graphs;
mod licenses;
mod overview;
mod policy;

use sha2::{Digest as _, Sha256};

use super::{Report, headings::state_of_all, why_graph::ARROW};
use fixes::Fixes;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// The maximum length in bytes.
const MAX_LENGTH: usize = 1_000_000;

/// The maximum lengths of the sections at the end.
const POLICY_LENGTH: usize = 150_000;
const LICENSES_LENGTH: usize = 150_000;
const FIXES_LENGTH: usize = 150_000;

/// The text of the page.
pub(crate) fn html(report: &Report<'_>) -> String {
    let head = head(state_of_all(report));
    let overview = overview::sections(report);
    let policy = policy::section(report, POLICY_LENGTH);
    let licenses = licenses::section(report, LICENSES_LENGTH);
    let mut fixes = Fixes::of(report);
    let all_fixes = fixes.section(report, FIXES_LENGTH);
    let used = [&head, &overview, &all_fixes, &policy, &licenses].map(String::len);
    let left = MAX_LENGTH.saturating_sub(used.iter().sum::<usize>() + END.len());
    let findings = findings::sections(report, &mut fixes, left);
    [&head, &overview, &findings, &all_fixes, &policy, &licenses, END].concat()
}

const END: &str = "</main></body></html>\n";

fn head(state: &str) -> String {
    let (style, script) = (digest(STYLE), digest(SCRIPT));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{style}'; script-src '{script}'; \
         base-uri 'none'; form-action 'none'\"/>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/><meta name=\"color-scheme\" content=\"light dark\"/>\
         <title>Supercargo: {state}</title><style>{STYLE}</style></head><body>{ARROW}\n"
    )
}

/// The hash of an inline text, as a source of CSP (level 3, 2.3.1).
fn digest(text: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(text)))
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let of = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = of(0) << 16 | of(1) << 8 | of(2);
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            if digit <= group.len() {
                text.push(char::from(DIGITS[value as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests;
