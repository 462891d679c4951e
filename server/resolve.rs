//! Dependency resolution: runs `cargo metadata`, never writing into the user's workspace.
//!
//! With an up-to-date lockfile cargo runs in the workspace with `--locked`. Where the lockfile is
//! missing or does not match the manifests, cargo runs in a scratch copy, whose paths are mapped back.

mod buffers;
mod build;
mod cargo_configuration;
mod cargo_error;
mod compiler_flags;
mod fingerprint;
mod metadata_cache;
mod platform;
mod recorded_inputs;
mod scratch;
mod wrappers;

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use camino::{Utf8Path, Utf8PathBuf};
use krates::cm::Metadata;
use serde::de::DeserializeOwned;

use crate::{
    cache::Cache,
    limits,
    process::{self, Children, RunError, TemporaryFolder, waiting_clause},
    text::{SourceText, read_at_most, read_to_string},
    threads::Activity,
    workspace::Workspace,
};
pub use buffers::BufferCopy;
pub use build::BuildResult;
pub(crate) use cargo_error::{CargoError, CargoErrorLocation};
use compiler_flags::CompilerFlags;
pub(crate) use fingerprint::GraphFingerprint;
pub(crate) use recorded_inputs::RecordedInputs;
pub(crate) use scratch::CopyWriter;
pub use scratch::fuzz_configuration;
use scratch::{Scratch, real};
pub(crate) use wrappers::turn_off as turn_off_wrappers;

/// The resolution of file times: a file written this shortly before a run may look older than it.
const FILE_TIME_RESOLUTION: Duration = Duration::from_millis(10);

/// The variables for cargo's target folder and build folder. The second one overrides a
/// `build.build-dir` in the user's configuration.
const TARGET_VARIABLES: [&str; 2] = ["CARGO_TARGET_DIR", "CARGO_BUILD_BUILD_DIR"];

/// The options of `cargo metadata`: exactly those that cargo-deny passes, or the file that it reads instead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MetadataOptions {
    /// `--no-default-features`.
    pub no_default_features: bool,
    /// `--all-features`.
    pub all_features: bool,
    /// `--features`, sorted.
    pub features: Vec<String>,
    /// `--filter-platform`: only with exactly one configured target.
    pub platform: Option<String>,
    /// A file with the output of `cargo metadata`, used instead of running cargo.
    pub file: Option<Utf8PathBuf>,
}

/// How cargo may be run.
#[derive(Clone, Debug)]
pub struct Resolver {
    /// The program; a plain `cargo` is looked up in `PATH`.
    pub cargo: PathBuf,
    /// No network.
    pub offline: bool,
    /// Fail if the lockfile would have to change.
    pub locked: bool,
    /// Where running children are registered, so that none outlives the program.
    pub children: Children,
    /// Where results are kept between runs.
    pub cache: Cache,
}

/// Callbacks while cargo runs.
#[derive(Clone, Copy)]
pub struct ResolveHooks<'w> {
    /// Whether the answer is still wanted.
    pub keep_running: &'w dyn Fn() -> bool,
    /// Cargo is going to resolve these copies.
    pub(crate) copied: &'w dyn Fn(Originals),
    /// Cargo has answered with something of this shape. Returns whether the graph of this shape is known, so that the answer
    /// need not be read.
    pub(crate) is_known: &'w dyn Fn(&GraphFingerprint) -> bool,
}

impl std::fmt::Debug for ResolveHooks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResolveHooks").finish_non_exhaustive()
    }
}

impl ResolveHooks<'_> {
    /// Never cancels.
    pub const NONE: Self = Self { keep_running: &|| true, copied: &|_| {}, is_known: &|_| false };
}

/// How the resolution relates to the lockfile on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockState {
    /// It is what the lockfile says.
    UpToDate,
    /// There is no lockfile: resolved in a scratch copy.
    Missing,
    /// It does not match the manifests: resolved in a scratch copy that started from it.
    Stale,
}

/// The originals of the files in a copy, by the paths of the copies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Originals {
    /// Their paths.
    pub(crate) paths: BTreeMap<Utf8PathBuf, Utf8PathBuf>,
    /// The texts of manifests that had to be adapted to the copy.
    pub(crate) texts: BTreeMap<Utf8PathBuf, SourceText>,
}

/// What cargo resolved.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// The metadata, with the paths of the user's workspace; `None` if the graph is known ([`ResolveHooks`]).
    pub metadata: Option<Metadata>,
    /// Where the lock came from.
    pub lock: LockState,
    /// The originals of copied files that the metadata names. Empty unless buffers were resolved.
    pub(crate) originals: Originals,
    /// A hash of cargo's output without requirements, where the graph does not depend on them.
    pub(crate) fingerprint: Option<GraphFingerprint>,
    /// Every input that it was made from, if it is that of the files on disk.
    pub(crate) inputs: RecordedInputs,
}

impl Resolution {
    /// The same as cargo resolves it with `--filter-platform`; `None` if only cargo knows.
    pub(crate) fn for_target(&self, triple: &str, workspace: &Workspace) -> Option<Self> {
        let flags = CompilerFlags::of(workspace.folder());
        let metadata = platform::for_target(self.metadata.as_ref()?, triple, &flags)?;
        Some(Self { metadata: Some(metadata), ..self.of_known_graph() })
    }

    /// The same for a graph that is known.
    pub(crate) fn of_known_graph(&self) -> Self {
        Self {
            metadata: None,
            lock: self.lock,
            originals: self.originals.clone(),
            fingerprint: self.fingerprint.clone(),
            inputs: self.inputs.clone(),
        }
    }

    /// A package without dependencies.
    ///
    /// # Errors
    ///
    /// Never for a library that reads cargo's format.
    pub(crate) fn of_empty_package(workspace: &Workspace) -> Result<Self, ResolveError> {
        let id = format!("path+file://{}#policy@0.0.0", workspace.root);
        let json = serde_json::json!({
            "packages": [{
                "name": "policy", "version": "0.0.0", "id": id, "source": null, "dependencies": [],
                "targets": [], "features": {}, "manifest_path": workspace.manifest, "publish": null,
                "authors": [], "categories": [], "keywords": [], "edition": "2021", "license": null,
                "license_file": null, "description": null, "metadata": null, "links": null,
                "readme": null, "repository": null, "homepage": null, "documentation": null,
                "default_run": null, "rust_version": null,
            }],
            "workspace_members": [id],
            "workspace_default_members": [id],
            "resolve": { "nodes": [{ "id": id, "dependencies": [], "deps": [], "features": [] }], "root": id },
            "target_directory": workspace.root.join("target"),
            "workspace_root": workspace.root,
            "metadata": null,
            "version": 1,
        });
        Ok(Self {
            metadata: Some(parse(&workspace.manifest, &json.to_string())?),
            lock: LockState::Missing,
            originals: Originals::default(),
            fingerprint: None,
            inputs: RecordedInputs::unknown(),
        })
    }

    /// The manifests of the local packages; `None` if the graph is known.
    pub(crate) fn local_manifests(&self) -> Option<Vec<Utf8PathBuf>> {
        let packages = self.metadata.as_ref()?.packages.iter();
        let locals = packages.filter(|package| package.source.is_none());
        Some(locals.map(|package| package.manifest_path.clone()).collect())
    }

    /// Whether a manifest or lockfile is part of the resolution with these local manifests. The buffer of a package that is no
    /// longer a dependency is not.
    pub(crate) fn comes_from(
        &self,
        file: &Utf8Path,
        workspace: &Workspace,
        locals: &[Utf8PathBuf],
    ) -> bool {
        if file == workspace.lockfile() || file == workspace.root.join("Cargo.toml") {
            return true;
        }
        let of_file = real(file);
        locals.iter().any(|manifest| {
            manifest == file
                || real(self.originals.paths.get(manifest).unwrap_or(manifest)) == of_file
        })
    }
}

/// Why there is no resolution.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The program could not be started.
    #[error(
        "start `{}`: {source} (install Rust from https://rustup.rs or set the environment variable `CARGO`)",
        program.display()
    )]
    NoCargo {
        /// The program.
        program: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Cargo failed.
    #[error("resolve `{manifest}`: {stderr}")]
    Cargo {
        /// The checked manifest.
        manifest: Utf8PathBuf,
        /// What cargo wrote, with the paths of the user's workspace.
        stderr: String,
    },
    /// Cargo did not finish in time and was killed.
    #[error(
        "resolve `{manifest}`: cargo did not finish within {seconds} seconds{}",
        waiting_clause(waiting.as_ref())
    )]
    TimedOut {
        /// The checked manifest.
        manifest: Utf8PathBuf,
        /// The limit.
        seconds: u64,
        /// What cargo was waiting for, as a sentence.
        waiting: Option<String>,
    },
    /// Canceled; cargo was killed.
    #[error("resolve `{manifest}`: canceled")]
    Canceled {
        /// The checked manifest.
        manifest: Utf8PathBuf,
    },
    /// The scratch copy could not be written.
    #[error("copy `{path}` for resolving: {source}")]
    Scratch {
        /// Which file or folder.
        path: Utf8PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The file with cargo's output could not be read.
    #[error("read the metadata in `{path}`: {source}")]
    MetadataFile {
        /// The file.
        path: Utf8PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Cargo's output could not be parsed.
    #[error("parse the output of `cargo metadata` for `{manifest}`: {source}")]
    Output {
        /// The checked manifest.
        manifest: Utf8PathBuf,
        /// The parse error.
        source: serde_json::Error,
    },
}

/// Where cargo is run.
#[derive(Clone, Copy, Debug)]
struct CargoWorkingDir<'r> {
    /// The manifest; cargo runs in its folder.
    manifest: &'r Utf8Path,
    /// The root of the scratch copy that contains it. Without one cargo must not write next to it.
    copy: Option<&'r Utf8Path>,
}

impl<'r> CargoWorkingDir<'r> {
    /// The user's own folder.
    fn user_folder(manifest: &'r Utf8Path) -> Self {
        Self { manifest, copy: None }
    }
}

impl Resolver {
    /// `$CARGO` or `cargo`, as cargo-deny looks for it.
    pub fn default_cargo() -> PathBuf {
        process::default_cargo()
    }

    /// Resolves a workspace.
    ///
    /// # Errors
    ///
    /// When cargo cannot be run, fails, takes too long or is canceled.
    pub fn resolve(
        &self,
        workspace: &Workspace,
        options: &MetadataOptions,
        hooks: &ResolveHooks<'_>,
    ) -> Result<Resolution, ResolveError> {
        if let Some(file) = &options.file {
            return read_metadata(file);
        }
        let lockfile = workspace.lockfile();
        let on_disk = read_to_string(&lockfile).is_ok();
        if on_disk || self.locked {
            if let Some(resolution) = self.recall(workspace, options) {
                return Ok(resolution);
            }
            let began = SystemTime::now() - FILE_TIME_RESOLUTION;
            match self.metadata(
                CargoWorkingDir::user_folder(&workspace.manifest),
                options,
                true,
                hooks.keep_running,
            ) {
                Ok(json) => {
                    let (metadata, fingerprint) =
                        parse_metadata(&workspace.manifest, &json, hooks)?;
                    let inputs = self.record_inputs(workspace, options, &metadata, json, began);
                    return Ok(Resolution {
                        metadata: Some(metadata),
                        lock: LockState::UpToDate,
                        originals: Originals::default(),
                        fingerprint,
                        inputs,
                    });
                }
                Err(ResolveError::Cargo { stderr, .. })
                    if !self.locked && stderr.contains("--locked") => {}
                Err(error) => return Err(error),
            }
        }
        // Cargo starts in the real folder.
        let real = workspace.real();
        let scratch = Scratch::of(&self.children, &real)?;
        let manifest = scratch.path_in_copy(&real.manifest);
        let run_in = CargoWorkingDir { manifest: &manifest, copy: Some(scratch.root()) };
        let output = self
            .metadata(run_in, options, false, hooks.keep_running)
            .map(|json| scratch.map_back(&json));
        let json = output.map_err(|error| match error {
            ResolveError::Cargo { stderr, .. } => ResolveError::Cargo {
                manifest: workspace.manifest.clone(),
                stderr: scratch.map_back(&stderr),
            },
            other => other,
        })?;
        let (metadata, fingerprint) = parse_metadata(&workspace.manifest, &json, hooks)?;
        Ok(Resolution {
            metadata: Some(metadata),
            lock: if on_disk { LockState::Stale } else { LockState::Missing },
            originals: Originals::default(),
            fingerprint,
            inputs: RecordedInputs::unknown(),
        })
    }

    /// Records the inputs of a run of cargo that `began` at that time, and caches its output with them if none of them was
    /// written since.
    fn record_inputs(
        &self,
        workspace: &Workspace,
        options: &MetadataOptions,
        metadata: &Metadata,
        json: String,
        began: SystemTime,
    ) -> RecordedInputs {
        let packages = metadata_cache::package_inputs(metadata);
        let (resolver, options) = (self.clone(), options.clone());
        let doing = Activity::to("recording the inputs of", workspace.manifest.as_str());
        let workspace = workspace.clone();
        let started = RecordedInputs::start(doing, move || {
            let inputs = metadata_cache::inputs(&workspace, packages);
            let inputs = Some(inputs).filter(|inputs| inputs.were_written_before(began))?;
            metadata_cache::remember(&resolver, &workspace, &options, &inputs, &json);
            Some(inputs)
        });
        started.unwrap_or_else(|error| {
            tracing::warn!("could not start a thread: {error}");
            RecordedInputs::unknown()
        })
    }

    /// Identifies cargo and the environment variables that it reads. Starts no program.
    pub(crate) fn environment(&self) -> String {
        metadata_cache::environment(&self.cargo)
    }

    /// The cached resolution of the workspace as it is on disk. Starts no program.
    pub fn recall(&self, workspace: &Workspace, options: &MetadataOptions) -> Option<Resolution> {
        let (metadata, inputs) = metadata_cache::recall(self, workspace, options)?;
        Some(Resolution {
            metadata: Some(metadata),
            lock: LockState::UpToDate,
            originals: Originals::default(),
            fingerprint: None,
            inputs: RecordedInputs::known(inputs),
        })
    }

    fn metadata(
        &self,
        run_in: CargoWorkingDir<'_>,
        options: &MetadataOptions,
        locked: bool,
        keep_running: &dyn Fn() -> bool,
    ) -> Result<String, ResolveError> {
        let mut args = vec!["metadata".to_owned(), "--format-version=1".to_owned()];
        args.extend(["--manifest-path".to_owned(), "Cargo.toml".to_owned()]);
        if options.no_default_features {
            args.push("--no-default-features".to_owned());
        }
        if options.all_features {
            args.push("--all-features".to_owned());
        }
        if !options.features.is_empty() {
            args.extend(["--features".to_owned(), options.features.join(" ")]);
        }
        if let Some(platform) = &options.platform {
            args.extend(["--filter-platform".to_owned(), platform.clone()]);
        }
        if locked {
            args.push("--locked".to_owned());
        }
        self.run(run_in, &args, keep_running)
    }

    /// Cargo's name and version in a workspace, such as `cargo 1.95.0`.
    pub(crate) fn version(&self, workspace: &Workspace) -> Option<String> {
        let run_in = CargoWorkingDir::user_folder(&workspace.manifest);
        let output = self.run(run_in, &["--version".to_owned()], &|| true).ok()?;
        let words: Vec<_> = output.split_whitespace().take(2).collect();
        (words.len() == 2).then(|| words.join(" "))
    }

    fn run(
        &self,
        run_in: CargoWorkingDir<'_>,
        args: &[String],
        keep_running: &dyn Fn() -> bool,
    ) -> Result<String, ResolveError> {
        let manifest = run_in.manifest;
        let (target, _private) = self.target(run_in)?;
        let mut command = process::cargo(&self.cargo, self.offline);
        command.args(args);
        if self.offline {
            command.arg("--offline");
        }
        // Like cargo-deny, run cargo in the manifest's folder: cargo looks for its configuration there.
        let folder = manifest.parent().unwrap_or(Utf8Path::new("."));
        command.current_dir(folder);
        wrappers::turn_off(&mut command, folder);
        // Cargo caches facts about rustc in the target folder; without them it starts rustc twice each
        // time. The user's target folder is not touched.
        for name in TARGET_VARIABLES {
            command.env(name, &target);
        }
        if run_in.copy.is_some() {
            // An unstable variable that would move the lockfile.
            command.env_remove("CARGO_RESOLVER_LOCKFILE_PATH");
        }
        let began = Instant::now();
        // Cargo writes to the copy, if it runs in one, and to no other file of the user's.
        let children = self.children.confined(&[&target]);
        let output =
            children.run_while(command, is_complete, keep_running).map_err(
                |error| match error {
                    RunError::Start(source) => {
                        ResolveError::NoCargo { program: self.cargo.clone(), source }
                    }
                    RunError::TimedOut { seconds, waiting } => {
                        ResolveError::TimedOut { manifest: manifest.to_owned(), seconds, waiting }
                    }
                    RunError::Canceled => ResolveError::Canceled { manifest: manifest.to_owned() },
                },
            )?;
        tracing::debug!("`cargo {}` took {:?}", args.join(" "), began.elapsed());
        if output.success {
            Ok(output.stdout)
        } else {
            Err(ResolveError::Cargo { manifest: manifest.to_owned(), stderr: output.stderr })
        }
    }

    /// Cargo's target folder: one in the cache, else one in the copy or a private temporary one. The
    /// latter do not exist, so cargo caches nothing, and no other user can create them.
    fn target(
        &self,
        run_in: CargoWorkingDir<'_>,
    ) -> Result<(Utf8PathBuf, Option<TemporaryFolder>), ResolveError> {
        if let Some(cached) = self.cache.folder_of_cargo() {
            return Ok((cached, None));
        }
        if let Some(copy) = run_in.copy {
            return Ok((scratch::target_below(copy), None));
        }
        let private = TemporaryFolder::new(&self.children)
            .map_err(|error| ResolveError::temporary(error, run_in.manifest))?;
        Ok((private.path().join("target"), Some(private)))
    }
}

/// The resolution in a file with the output of `cargo metadata`. Texts that are not on disk do not change it.
fn read_metadata(path: &Utf8Path) -> Result<Resolution, ResolveError> {
    let failed = |source| ResolveError::MetadataFile { path: path.to_owned(), source };
    let bytes = read_at_most(path, limits::METADATA).map_err(failed)?;
    let metadata: Metadata = serde_json::from_slice(&bytes)
        .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    Ok(Resolution {
        metadata: Some(metadata),
        lock: LockState::UpToDate,
        originals: Originals::default(),
        fingerprint: None,
        inputs: RecordedInputs::unknown(),
    })
}

/// Whether cargo has written its output, a line of JSON. It takes time to end after that.
fn is_complete(output: &[u8]) -> bool {
    let line =
        output.strip_suffix(b"\n").and_then(|lines| lines.rsplit(|byte| *byte == b'\n').next());
    line.is_some_and(|line| line.starts_with(b"{"))
}

/// Parses the output of `cargo metadata`.
fn parse_metadata(
    manifest: &Utf8Path,
    json: &str,
    hooks: &ResolveHooks<'_>,
) -> Result<(Metadata, Option<GraphFingerprint>), ResolveError> {
    let fingerprint = GraphFingerprint::of(json);
    (hooks.is_known)(&fingerprint);
    parse_with(fingerprint, manifest, json)
}

/// The same, but only if the graph is not known.
fn parse_new_metadata(
    manifest: &Utf8Path,
    json: &str,
    hooks: &ResolveHooks<'_>,
) -> Result<(Option<Metadata>, Option<GraphFingerprint>), ResolveError> {
    let fingerprint = GraphFingerprint::of(json);
    if (hooks.is_known)(&fingerprint) {
        return Ok((None, Some(fingerprint)));
    }
    let (metadata, fingerprint) = parse_with(fingerprint, manifest, json)?;
    Ok((Some(metadata), fingerprint))
}

/// The metadata, and its fingerprint if the graph does not depend on requirements.
fn parse_with(
    fingerprint: GraphFingerprint,
    manifest: &Utf8Path,
    json: &str,
) -> Result<(Metadata, Option<GraphFingerprint>), ResolveError> {
    let metadata = parse(manifest, json)?;
    let fingerprint = Some(fingerprint).filter(|_| !fingerprint::needs_requirements(&metadata));
    Ok((metadata, fingerprint))
}

fn parse<T: DeserializeOwned>(manifest: &Utf8Path, output: &str) -> Result<T, ResolveError> {
    let json = output.lines().find(|line| line.starts_with('{')).unwrap_or_default();
    serde_json::from_str(json)
        .map_err(|source| ResolveError::Output { manifest: manifest.to_owned(), source })
}
