//! Caches the output of `cargo metadata` on disk together with its inputs.

use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
};

use camino::Utf8PathBuf;
use krates::cm::Metadata;
use serde::{Deserialize, Serialize};

use super::{MetadataOptions, Resolver, compiler_flags::is_variable_of_flags};
use crate::{
    cache::{CacheKind, Input, Inputs, hash, on_disk},
    facts::configuration_files,
    process::resolve_program,
    workspace::{DecidingFiles, Workspace, is_exceptions, is_policy},
};

/// Prefixes of environment variables that affect the resolution.
const VARIABLE_PREFIXES: [&str; 8] = [
    "CARGO_HOME",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_RESOLVER_",
    "CARGO_SOURCE_",
    "CARGO_UNSTABLE_",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
];

/// The first line of a cache entry; cargo's output follows.
#[derive(Serialize, Deserialize)]
struct Head {
    inputs: Inputs,
}

/// The cached output of cargo for a workspace, if no input has changed.
pub(super) fn recall(
    resolver: &Resolver,
    workspace: &Workspace,
    options: &MetadataOptions,
) -> Option<(Metadata, Inputs)> {
    let bytes = resolver.cache.get(CacheKind::Metadata, &key(resolver, workspace, options))?;
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let head: Head = serde_json::from_slice(&bytes[..end]).ok()?;
    if !head.inputs.hold(&on_disk) {
        return None;
    }
    let metadata = serde_json::from_slice(&bytes[end + 1..]).ok()?;
    Some((metadata, head.inputs))
}

/// Caches cargo's output, which is that of the lockfile on disk.
pub(super) fn remember(
    resolver: &Resolver,
    workspace: &Workspace,
    options: &MetadataOptions,
    inputs: &Inputs,
    output: &str,
) {
    let Ok(head) = serde_json::to_string(&Head { inputs: inputs.clone() }) else { return };
    let key = key(resolver, workspace, options);
    let output = output.lines().find(|line| line.starts_with('{')).unwrap_or_default();
    resolver.cache.put(CacheKind::Metadata, &key, format!("{head}\n{output}").as_bytes());
}

/// The cache key: of the manifest and the lockfile, the program and its options. A workspace may have several entries, such
/// as one for each branch.
fn key(resolver: &Resolver, workspace: &Workspace, options: &MetadataOptions) -> String {
    let mut all = format!("{}\0{options:?}\0{}\0", workspace.manifest, resolver.offline);
    for path in [&workspace.manifest, &workspace.lockfile()] {
        all.push_str(&on_disk(path).map(|bytes| hash(&bytes)).unwrap_or_default());
        all.push('\0');
    }
    all.push_str(&environment(&resolver.cargo));
    hash(all.as_bytes())
}

/// Identifies cargo, without starting it, and its environment.
pub(super) fn environment(cargo: &Path) -> String {
    let program = resolve_program(cargo).unwrap_or_else(|_| cargo.to_owned());
    let mut all = program.display().to_string();
    if let Ok(data) = std::fs::metadata(&program) {
        all.push_str(&format!("\0{}\0{:?}", data.len(), data.modified().ok()));
    }
    let mut variables: Vec<_> = env::vars_os()
        .filter(|(name, _)| {
            let name = name.to_string_lossy();
            // The compiler's flags decide which tables of `[target]` apply.
            VARIABLE_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
                || is_variable_of_flags(&name)
        })
        .collect();
    variables.sort();
    all.push_str(&format!("\0{variables:?}"));
    all
}

/// All files that cargo read to resolve the workspace. `packages` are those of its packages.
pub(super) fn inputs(workspace: &Workspace, packages: Vec<Input>) -> Inputs {
    let mut inputs = BTreeSet::from_iter(toolchain_inputs());
    let mut deciding = DecidingFiles::of_workspace(workspace);
    deciding.files.retain(|path| !is_policy(path) && !is_exceptions(path));
    inputs.extend(deciding.files.into_iter().chain(configuration_files()).map(Input::Text));
    inputs.extend(deciding.search_folders.into_iter().map(Input::Names));
    inputs.extend(packages);
    Inputs::now(inputs, &on_disk)
}

/// The files of packages that cargo read.
pub(super) fn package_inputs(metadata: &Metadata) -> Vec<Input> {
    let mut inputs = Vec::new();
    for package in &metadata.packages {
        let manifest = &package.manifest_path;
        if package.source.is_some() {
            inputs.push(Input::Stamp(manifest.clone()));
            continue;
        }
        inputs.push(Input::Text(manifest.clone()));
        let folder = manifest.parent().unwrap_or(manifest);
        // Targets that cargo discovers.
        for name in ["build.rs", "src/lib.rs", "src/main.rs"] {
            inputs.push(Input::There(folder.join(name)));
        }
        for name in ["src/bin", "examples", "tests", "benches"] {
            inputs.push(Input::Names(folder.join(name)));
        }
        inputs.extend(package.targets.iter().map(|one| Input::There(one.src_path.clone())));
    }
    inputs
}

/// The files in rustup's home for the default toolchain and the time of updates.
fn toolchain_inputs() -> Vec<Input> {
    let home = env::var_os("RUSTUP_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(etcetera::home_dir().ok()?.join(".rustup")))
        .and_then(|home| Utf8PathBuf::from_path_buf(home).ok());
    let inputs = home.map(|home| {
        [Input::Text(home.join("settings.toml")), Input::Stamp(home.join("update-hashes"))]
    });
    inputs.into_iter().flatten().collect()
}
