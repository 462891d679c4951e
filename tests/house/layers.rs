//! A module uses itself and the modules above it in `server/lib.rs`.

use std::{fs, path::Path};

use crate::sources::below;

/// The layers from the top; each may use those above it.
const LAYERS: [&str; 20] = [
    "limits",
    "text",
    "threads",
    "process",
    "cache",
    "model",
    "workspace",
    "facts",
    "resolve",
    "verdict",
    "deny_command",
    "ci",
    "policy",
    "gate",
    "compare",
    "fix",
    "ide",
    "report",
    "lsp",
    "cli",
];

#[test]
fn layers_use_only_the_layers_above_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for (index, layer) in LAYERS.iter().enumerate() {
        for file in files(root, layer) {
            let text = fs::read_to_string(root.join(&file)).expect("a source file");
            for used in used_layers(&text) {
                let allowed = LAYERS[..=index].contains(&used.as_str());
                if !allowed {
                    wrong.push(format!("{file} uses `{used}`"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn layers_are_the_modules_of_the_library() {
    let library = include_str!("../../server/lib.rs");
    let modules: Vec<_> = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    assert_eq!(modules, LAYERS);
}

#[test]
fn only_verdict_uses_cargo_deny() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for layer in LAYERS.iter().filter(|layer| **layer != "verdict") {
        for file in files(root, layer) {
            let text = fs::read_to_string(root.join(&file)).expect("a source file");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let named = code.filter(|line| line.contains("cargo_deny::")).count();
            assert_eq!(named, 0, "{file} names cargo_deny");
        }
    }
}

/// The source files of a layer, as paths from the repository's root.
fn files(root: &Path, layer: &str) -> Vec<String> {
    let folder = format!("server/{layer}");
    let mut files = vec![format!("{folder}.rs")];
    if root.join(&folder).is_dir() {
        files.extend(below(root, &folder, &[]));
    }
    files
}

/// The first segment after each `crate::`, also in braces.
fn used_layers(text: &str) -> Vec<String> {
    let mut used = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut word = String::new();
            let mut first = true;
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => {
                        used.push(std::mem::take(&mut word));
                        first = true;
                        continue;
                    }
                    ':' | ';' => first = false,
                    c if first && depth == 1 && !c.is_whitespace() => word.push(c),
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
            used.push(word);
        } else {
            let word = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next();
            used.extend(word.map(str::to_owned));
        }
    }
    used.retain(|word| !word.is_empty());
    used
}

/// A module in backticks, such as `text::write`.
#[test]
fn modules_named_in_pages_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in
        ["server/ARCHITECTURE.md", "server/docs/robustness.md", "server/docs/performance.md"]
    {
        let text = fs::read_to_string(root.join(page)).expect("a page");
        let named = text.split('`').skip(1).step_by(2).filter(|code| code.contains("::"));
        for module in
            named.filter(|code| code.chars().all(|c| c.is_ascii_lowercase() || "_:".contains(c)))
        {
            let file = format!("server/{}.rs", module.replace("::", "/"));
            assert!(root.join(&file).is_file(), "{page} names `{module}`, but there is no {file}");
        }
    }
}
