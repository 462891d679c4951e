//! Packages of crates.io that exist in one test only: a folder of vendored sources in place of the
//! registry, and cargo's index cache with what the registry would say about them.

use std::fmt::Write as _;

use super::World;

/// Cargo's index cache of crates.io (cargo 1.85 and later).
pub(crate) const INDEX: &str = "../cargo/registry/index/index.crates.io-1949cf8c6b5b557f/.cache";

/// The configuration that puts `folder` in place of crates.io.
pub(super) fn replacement(folder: &str) -> String {
    format!(
        "[source.crates-io]\nreplace-with = \"vendored\"\n[source.vendored]\ndirectory = '{folder}'\n"
    )
}

struct Package<'w> {
    name: &'w str,
    version: &'w str,
    license: Option<&'w str>,
    yanked: bool,
    rust: Option<&'w str>,
    features: Vec<&'w str>,
    dependencies: Vec<(&'w str, &'w str)>,
}

/// Publishes `NAME VERSION [yanked] [rust=VERSION] [features=NAME,..] [(LICENSE)] [-> NAME REQUIREMENT, ..]`.
pub(super) fn publish(world: &World, words: &str) {
    let package = Package::parse(words);
    let folder = format!("../vendor/{}-{}", package.name, package.version);
    world.write(&format!("{folder}/Cargo.toml"), package.manifest());
    world.write(&format!("{folder}/src/lib.rs"), "");
    let checksum = checksum(&package);
    world.write(
        &format!("{folder}/.cargo-checksum.json"),
        format!("{{\"files\":{{}},\"package\":\"{checksum}\"}}"),
    );
    add_to_index(world, &package, &checksum);
}

impl<'w> Package<'w> {
    fn parse(words: &'w str) -> Self {
        let (head, dependencies) = words.split_once(" -> ").unwrap_or((words, ""));
        let (head, license) = match head.split_once(" (") {
            Some((head, license)) => (head, license.trim_end().strip_suffix(')')),
            None => (head, Some("MIT")),
        };
        let mut head = head.split_whitespace();
        let mut word = || head.next();
        let name = word().expect("a package has a name");
        let version = word().expect("a package has a version");
        let marks: Vec<_> = head.collect();
        Self {
            name,
            version,
            yanked: marks.contains(&"yanked"),
            rust: marks.iter().find_map(|mark| mark.strip_prefix("rust=")),
            features: marks
                .iter()
                .filter_map(|mark| mark.strip_prefix("features="))
                .flat_map(|names| names.split(','))
                .collect(),
            license: license.filter(|license| !license.is_empty()),
            dependencies: dependencies
                .split(", ")
                .filter(|dependency| !dependency.is_empty())
                .map(|dependency| dependency.split_once(' ').expect("a name and a requirement"))
                .collect(),
        }
    }

    fn manifest(&self) -> String {
        let mut text = format!(
            "[package]\nname = \"{}\"\nversion = \"{}\"\nedition = \"2021\"\n",
            self.name, self.version
        );
        if let Some(license) = self.license {
            let _ = writeln!(text, "license = \"{license}\"");
        }
        if let Some(rust) = self.rust {
            let _ = writeln!(text, "rust-version = \"{rust}\"");
        }
        text.push_str("[features]\n");
        for feature in &self.features {
            let _ = writeln!(text, "{feature} = []");
        }
        text.push_str("[dependencies]\n");
        for (name, requirement) in &self.dependencies {
            let _ = writeln!(text, "{name} = \"{requirement}\"");
        }
        text
    }

    fn record(&self, checksum: &str) -> String {
        let dependencies = self.dependencies.iter().map(|(name, requirement)| {
            serde_json::json!({
                "name": name, "req": requirement, "features": [], "optional": false,
                "default_features": true, "target": null, "kind": "normal",
            })
        });
        let features = self.features.iter().map(|name| ((*name).to_owned(), serde_json::json!([])));
        let features = features.collect::<serde_json::Map<_, _>>();
        serde_json::json!({
            "name": self.name, "vers": self.version, "deps": dependencies.collect::<Vec<_>>(),
            "cksum": checksum, "features": features, "yanked": self.yanked,
            "rust_version": self.rust,
        })
        .to_string()
    }
}

fn checksum(package: &Package<'_>) -> String {
    let seed = format!("{} {}", package.name, package.version);
    let digits = seed.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits: Vec<_> = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    digits.into_iter().cycle().take(64).collect()
}

/// Adds a version to the package's cache file: byte 3, version 2 of the index as `u32`, a revision,
/// and for each version its number and its record, each ended by NUL.
fn add_to_index(world: &World, package: &Package<'_>, checksum: &str) {
    let name = package.name;
    let prefix = match name.len() {
        1 => "1".to_owned(),
        2 => "2".to_owned(),
        3 => format!("3/{}", &name[..1]),
        _ => format!("{}/{}", &name[..2], &name[2..4]),
    };
    let path = format!("{INDEX}/{prefix}/{name}");
    let mut bytes =
        std::fs::read(world.path(&path)).unwrap_or_else(|_| b"\x03\x02\0\0\0etag: t\0".to_vec());
    for text in [package.version, &package.record(checksum)] {
        bytes.extend(text.bytes());
        bytes.push(0);
    }
    world.write(&path, bytes);
}
