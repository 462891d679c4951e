//! Generated workspaces: a package, a virtual workspace with inheriting members, a package with a path
//! dependency outside of it, two workspaces whose folders are added and removed.

use super::texts;
use crate::dice::Dice;

/// The registry and the advisories.
const REGISTRY: &str = r#"
#- crate: time 0.1.45
#- crate: time 0.3.44
#- crate: time 0.3.47
#- crate: cookie 0.18.1 -> time 0.3
#- crate: plain 1.5.0
#- crate: plain 1.6.0
#- crate: gpl 1.0.0 (GPL-3.0-only)
#- crate: isc 1.0.0 (ISC)
#- crate: none 1.0.0 ()
#- crate: old 1.0.0 yanked
#- crate: old 1.0.1
#- crate: deep 2.0.0 -> cookie 0.18, plain 1
#- advisory: RUSTSEC-2026-0009 time patched >=0.3.47, <0.3.0: Stack exhaustion
#- advisory: RUSTSEC-2020-0071 time patched >=0.2.23: Segmentation fault
#- advisory: RUSTSEC-2024-0436 plain unmaintained: No longer maintained
"#;

/// The repository's CI checks it for two targets, and once without development dependencies.
const GATES: &str = "\
#- .git/HEAD
ref: refs/heads/main
#- .github/workflows/ci.yml
on: push
jobs:
  deny:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        target: [x86_64-unknown-linux-gnu, x86_64-pc-windows-msvc]
    steps:
      - run: cargo deny --target ${{ matrix.target }} check
      - run: cargo deny --exclude-dev check bans licenses
";

/// A generated world, and its files that steps may change.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) fixture: String,
    pub(super) manifests: Vec<String>,
    /// Including files of exceptions.
    pub(super) policies: Vec<String>,
    /// The folders of the workspaces.
    pub(super) workspaces: Vec<String>,
    /// Folders that may be open in the editor; at the start all of them are.
    pub(super) folders: Vec<String>,
}

impl Layout {
    pub(super) fn of(dice: &mut Dice) -> Self {
        let mut layout = Self {
            fixture: REGISTRY.to_owned(),
            manifests: Vec::new(),
            policies: Vec::new(),
            workspaces: Vec::new(),
            folders: vec![String::new()],
        };
        match dice.roll(4) {
            0 => layout.package("", "", dice),
            1 => layout.members(dice),
            2 => {
                layout.package("", "beside = { path = \"../beside\" }\n", dice);
                layout.manifest("../beside/", "beside", "", dice);
            }
            _ => {
                layout.package("one/", "", dice);
                layout.package("two/", "", dice);
                layout.folders = vec!["one".to_owned(), "two".to_owned()];
            }
        }
        if layout.workspaces == [""] && dice.once_in(2) {
            layout.fixture.push_str(GATES);
        }
        layout
    }

    fn package(&mut self, folder: &str, more: &str, dice: &mut Dice) {
        self.manifest(folder, "app", more, dice);
        self.policy(folder, dice);
        self.workspaces.push(folder.trim_end_matches('/').to_owned());
    }

    fn members(&mut self, dice: &mut Dice) {
        let inherited = texts::INHERITED.map(|name| texts::dependency(name, false, dice));
        self.file(
            "Cargo.toml",
            &format!(
                "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"2\"\n\n\
                 [workspace.dependencies]\n{}",
                inherited.concat()
            ),
        );
        self.manifests.push("Cargo.toml".to_owned());
        let names = ["a", "b", "c", "d"];
        for at in 0..2 + dice.roll(3) {
            let before = at.checked_sub(1).filter(|_| dice.once_in(2));
            let local = before
                .map(|before| format!("{0} = {{ path = \"../{0}\" }}\n", names[before]))
                .unwrap_or_default();
            let name = *dice.pick(&texts::INHERITED);
            let more = format!("{local}{name}.workspace = true\n");
            self.manifest(&format!("crates/{}/", names[at]), names[at], &more, dice);
        }
        self.policy("", dice);
        self.workspaces.push(String::new());
    }

    fn manifest(&mut self, folder: &str, name: &str, more: &str, dice: &mut Dice) {
        let path = format!("{folder}Cargo.toml");
        self.file(&path, &texts::manifest(name, more, dice));
        self.manifests.push(path);
    }

    fn policy(&mut self, folder: &str, dice: &mut Dice) {
        let path = format!("{folder}deny.toml");
        self.file(&path, &texts::policy(dice));
        self.policies.push(path);
        if dice.once_in(3) {
            let path = format!("{folder}deny.exceptions.toml");
            self.file(&path, texts::EXCEPTIONS);
            self.policies.push(path);
        }
    }

    fn file(&mut self, path: &str, text: &str) {
        self.fixture.push_str(&format!("#- {path}\n{text}"));
    }
}
