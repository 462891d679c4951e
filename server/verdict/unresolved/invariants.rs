//! Invariants of every lockfile, asserted by the tests and by the fuzzer.

use super::{LockedManifest, unresolved};
use crate::{
    limits,
    model::lockfile::{LockEntry, Lockfile},
    process::Children,
    text::SourceText,
    verdict::{Database, DatabaseSource},
};

const MANIFEST: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\n\n[dependencies]\na = \"1\"\nb = \"*\"\n\
                        c = { path = \"../c\", version = \"0.1\" }\n\n[dev-dependencies]\nd = \"2\"\n";

thread_local! {
    /// An advisory for each of a few names; deleted with the thread.
    static DATABASE: Database = database();
}

fn database() -> Database {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (number, name) in ["a", "b", "d", "deep"].iter().enumerate() {
        let crates = folder.path().join("crates").join(name);
        std::fs::create_dir_all(&crates).expect("folders");
        let id = format!("RUSTSEC-2026-{number:04}");
        let text = format!(
            "```toml\n[advisory]\nid = \"{id}\"\npackage = \"{name}\"\ndate = \"2026-02-05\"\n\n\
             [versions]\npatched = [\">=9\"]\n```\n\n# A title\n\nWhat happens.\n"
        );
        std::fs::write(crates.join(format!("{id}.md")), text).expect("a file");
    }
    let path = folder.path().to_str().expect("temporary folders are UTF-8").into();
    let source = DatabaseSource::Folder(path);
    let refresh = crate::facts::RefreshPolicy::Never;
    let opened = source.open(refresh, &Children::default(), &crate::cache::Cache::off(), &|_| {});
    opened.expect("a valid database")
}

/// Parses any text as a lockfile, and searches the locked packages for vulnerabilities.
///
/// # Panics
///
/// When a span does not cover its value, when an index is out of range, or when a dependency path does
/// not end at the affected package.
#[doc(hidden)]
pub fn fuzz_lock_file(text: &str) {
    let lock = Lockfile::parse(text);
    lock.entries.iter().for_each(|entry| check_entry(text, entry));
    if let Some(error) = &lock.error {
        assert!(text.get(error.span.clone()).is_some(), "{:?} in {text:?}", error.span);
        assert!(!error.value.is_empty(), "no message for {text:?}");
    }
    let graph = Lockfile::graph(text);
    let Some(packages) = graph else {
        // Every valid lockfile is a graph.
        assert!(lock.error.is_some(), "no graph of a valid lockfile: {text}");
        return;
    };
    for package in &packages {
        assert!(package.dependencies.iter().all(|at| *at < packages.len()), "{package:?}");
    }
    let manifest = LockedManifest { path: "/w/Cargo.toml".into(), text: SourceText::new(MANIFEST) };
    let findings = DATABASE.with(|database| unresolved(&[manifest], &packages, database, &[]));
    for finding in findings {
        let [package] = &finding.packages[..] else { panic!("{:?}", finding.packages) };
        assert!(!finding.locations.is_empty(), "{finding:?}");
        assert!(
            finding.locations.len() <= limits::LOCATIONS,
            "{} locations",
            finding.locations.len()
        );
        for location in &finding.locations {
            assert!(MANIFEST.get(location.span.clone()).is_some(), "{:?}", location.span);
            let path = location.via.map(|at| &finding.paths[at]);
            if let Some(path) = path {
                let ends = (path.first().map(|one| one.name.as_str()), path.last());
                assert_eq!(ends, (Some("app"), Some(package)), "in {text}");
                assert!(path.len() <= limits::PATH_LENGTH, "{} packages", path.len());
            }
        }
    }
}

fn check_entry(text: &str, entry: &LockEntry) {
    for spanned in [&entry.name, &entry.version] {
        let covered = text.get(spanned.span.clone());
        // An escape sequence is longer than its value.
        let is_plain = covered.is_some_and(|covered| !covered.contains(['\\', '\n', '\r']));
        assert!(covered.is_some(), "{:?} is no location in {text:?}", spanned.span);
        if is_plain {
            // An unterminated string includes its opening quote.
            let covered = covered.unwrap_or_default();
            let same = covered == spanned.value || covered.get(1..) == Some(spanned.value.as_str());
            assert!(same, "`{covered}` is not `{}` in {text:?}", spanned.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "version = 4\n
[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\ndependencies = [\n \"b\",\n \"deep 0.1.0\",\n]\n
[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"a\",\n \"b\",\n \"c\",\n]\n
[[package]]\nname = \"b\"\nversion = \"0.3.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\ndependencies = [\n \"a\",\n \"deep 0.2.0 (git+https://example.org/deep#0123)\",\n]\n
[[package]]\nname = \"c\"\nversion = \"0.1.0\"\ndependencies = [\n \"app\",\n]\n
[[package]]\nname = \"deep\"\nversion = \"0.1.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n
[[package]]\nname = \"deep\"\nversion = \"0.2.0\"\nsource = \"git+https://example.org/deep#0123\"\ndependencies = [\n \"deep 0.2.0\",\n]\n
[[patch.unused]]\nname = \"u\"\nversion = \"0.1.0\"\n";

    /// A deterministic random number generator.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(0x9e37);
            usize::try_from(self.0 >> 33).unwrap_or_default() % sides
        }
    }

    #[test]
    fn broken_and_spliced_lockfiles_keep_the_invariants() {
        const PIECES: [&str; 16] = [
            "version = 3\n",
            "version = 99\n",
            "[[package]]\n",
            "name = \"a\"\n",
            "version = \"1.0.0\"\n",
            "version = \"two\"\n",
            "dependencies = [\n",
            "]\n",
            " \"a\",\n",
            " \"app\",\n",
            "source = \"\"\n",
            "\"\\u0061\"",
            "<<<<<<< HEAD\n",
            "[metadata]\n\"checksum a 1.0.0\" = \"x\"\n",
            "é🦀",
            "\"\"\"",
        ];
        for seed in 0..1500 {
            let mut dice = Dice(seed);
            let mut lines: Vec<&str> = VALID.split_inclusive('\n').collect();
            for _ in 0..dice.roll(6) {
                let at = dice.roll(lines.len());
                match dice.roll(4) {
                    0 => drop(lines.remove(at)),
                    1 => lines.insert(at, PIECES[dice.roll(PIECES.len())]),
                    2 => {
                        let other = dice.roll(lines.len());
                        lines.swap(at, other);
                    }
                    _ => {
                        let line = lines[dice.roll(lines.len())];
                        lines.insert(at, line);
                    }
                }
                if lines.is_empty() {
                    break;
                }
            }
            let text = lines.concat();
            fuzz_lock_file(&text);
            let cut = dice.roll(text.len() + 1);
            if text.is_char_boundary(cut) {
                fuzz_lock_file(&text[..cut]);
            }
            fuzz_lock_file(&text.replace('\n', "\r\n"));
        }
    }

    #[test]
    fn valid_lockfile_has_its_findings() {
        let packages = Lockfile::graph(VALID).expect("a valid lockfile");
        assert_eq!(Lockfile::parse(VALID).error, None);
        let manifest =
            LockedManifest { path: "/w/Cargo.toml".into(), text: SourceText::new(MANIFEST) };
        let findings = unresolved(&[manifest], &packages, &database(), &[]);
        let about: Vec<_> =
            findings.iter().map(|one| one.packages[0].version.to_string()).collect();
        // cargo-deny's advisories are about packages of crates.io, not about the fork `deep` 0.2.0.
        assert_eq!(about, ["1.0.0", "0.3.0", "0.1.0"]);
        fuzz_lock_file(VALID);
    }

    #[test]
    fn long_lockfile_keeps_the_invariants() {
        let mut text = VALID.to_owned();
        for number in 0..5000 {
            text.push_str(&format!("[[package]]\nname = \"p{number}\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\ndependencies = [\"p{}\"]\n", number + 1));
        }
        fuzz_lock_file(&text);
    }
}
