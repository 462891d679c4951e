//! Fixtures: one text that holds all files of a world.
//!
//! ```text
//! #- Cargo.toml                        a file, relative to the user's folder, its text below it
//! [package]
//! #- crate: time 0.3.44 (MIT) -> num-conv 0.1, powerfmt 0.2
//! #- crate: old 1.0.0 yanked rust=1.85 a package of crates.io; `()` states no license
//! #- advisory: RUSTSEC-2026-0009 time patched >=0.3.47, ^0.2.9 unaffected <0.2: Title
//! #- advisory: RUSTSEC-2024-0436 paste unmaintained: Title
//! ```
//!
//! A manifest with `[package]` gets an empty `src/lib.rs`, unless it has a `[lib]` or says `# no src`.

use super::{World, registry};

pub(super) fn lay_out(world: &World, fixture: &str) {
    let mut file: Option<(&str, String)> = None;
    let mut files = Vec::new();
    for line in fixture.lines() {
        let Some(section) = line.strip_prefix("#- ") else {
            if let Some((_, text)) = &mut file {
                text.push_str(line);
                text.push('\n');
            }
            continue;
        };
        files.extend(file.take());
        if let Some(words) = section.strip_prefix("crate: ") {
            registry::publish(world, words);
        } else if let Some(words) = section.strip_prefix("advisory: ") {
            advise(world, words);
        } else {
            file = Some((section, String::new()));
        }
    }
    files.extend(file);
    for (path, text) in &files {
        world.write(path, text);
        let folder = path.strip_suffix("Cargo.toml").filter(|_| text.contains("[package]"));
        if let Some(folder) =
            folder.filter(|_| !["# no src", "[lib]"].iter().any(|s| text.contains(s)))
        {
            world.write(&format!("{folder}src/lib.rs"), "");
        }
    }
}

/// Writes an advisory in `RustSec`'s format.
fn advise(world: &World, words: &str) {
    let (head, title) = words.split_once(": ").unwrap_or((words, "A title"));
    let (head, patched) = head.split_once(" patched ").unwrap_or((head, ""));
    let (patched, unaffected) = patched.split_once(" unaffected ").unwrap_or((patched, ""));
    let mut head = head.split_whitespace();
    let id = head.next().expect("an advisory has an id");
    let package = head.next().expect("an advisory has a package");
    let informational = head.next().map(|kind| format!("informational = \"{kind}\"\n"));
    let list = |all: &str| {
        let all = all.split(", ").filter(|req| !req.is_empty());
        all.map(|req| format!("\"{req}\"")).collect::<Vec<_>>().join(", ")
    };
    let text = format!(
        "```toml\n[advisory]\nid = \"{id}\"\npackage = \"{package}\"\ndate = \"2026-02-05\"\n{}\n\
         [versions]\npatched = [{}]\nunaffected = [{}]\n```\n\n# {title}\n\nWhat happens.\n",
        informational.unwrap_or_default(),
        list(patched),
        list(unaffected),
    );
    world.write(&format!("../db/crates/{package}/{id}.md"), text);
}
