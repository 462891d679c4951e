//! Dependency resolution: runs `cargo metadata`, never writing into the user's workspace.
//!
//! With a sound lock file cargo is run in the workspace with `--locked`; where the lock file is
//! missing or no longer fits the manifests, in a scratch copy, whose paths are mapped back.

mod buffers;
mod build;
mod remembered;
mod scratch;
mod shape;
mod trouble;

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
    cache::{Cache, Inputs},
    process::{self, Children, RunError, TemporaryFolder},
    text::read_to_string,
    workspace::Workspace,
};
pub use buffers::BufferCopy;
pub use build::Built;
pub use scratch::fuzz_configuration;
pub(crate) use shape::Shape;
pub(crate) use trouble::Trouble;

/// How coarse the times of files may be.
const CLOCK: Duration = Duration::from_millis(10);

/// The variables that tell cargo where to put what it makes: everything, and what is not for users.
/// The second goes before a configuration of the user's that names a folder for that alone.
const TARGET_VARIABLES: [&str; 2] = ["CARGO_TARGET_DIR", "CARGO_BUILD_BUILD_DIR"];

/// What decides the resolution besides the files: exactly what cargo-deny passes on to cargo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MetadataOptions {
    /// `--no-default-features`.
    pub no_default_features: bool,
    /// `--all-features`.
    pub all_features: bool,
    /// `--features`, sorted.
    pub features: Vec<String>,
    /// `--filter-platform`: only where exactly one target is in force.
    pub platform: Option<String>,
}

/// How cargo may be run.
#[derive(Clone, Debug)]
pub struct Resolver {
    /// The program; `cargo` is looked for on the path.
    pub cargo: PathBuf,
    /// No network.
    pub offline: bool,
    /// The lock file has to fit as it is.
    pub locked: bool,
    /// Where running children are registered, so that none outlives the program.
    pub children: Children,
    /// Where answers are kept between runs.
    pub cache: Cache,
}

/// What is asked and told while cargo runs.
#[derive(Clone, Copy)]
pub struct Wait<'w> {
    /// Whether the answer is still wanted.
    pub wanted: &'w dyn Fn() -> bool,
    /// Cargo has answered with something of this shape, and the answer is going to be read.
    pub(crate) answered: &'w dyn Fn(&Shape),
}

impl std::fmt::Debug for Wait<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wait").finish_non_exhaustive()
    }
}

impl Wait<'_> {
    /// Until there is an answer.
    pub const FOREVER: Self = Self { wanted: &|| true, answered: &|_| {} };
}

/// Whether the resolution is that of the lock file on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockState {
    /// It is.
    Sound,
    /// There is none: resolved in a scratch copy.
    Missing,
    /// It does not fit the manifests: resolved in a scratch copy that started from it.
    Stale,
}

/// What cargo resolved.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// The metadata, all paths those of the user's workspace.
    pub metadata: Metadata,
    /// Where the lock came from.
    pub lock: LockState,
    /// Where the files are of which the metadata names a copy: empty unless buffers were
    /// resolved.
    pub originals: BTreeMap<Utf8PathBuf, Utf8PathBuf>,
    /// What cargo's answer says but for requirements, where the graph depends on no more.
    pub(crate) shape: Option<Shape>,
    /// Everything that was read for it; `None` where it is not that of the files on disk.
    pub(crate) inputs: Option<Inputs>,
}

impl Resolution {
    /// Whether a manifest or lock file took part in it. The buffer of a package that was left behind
    /// by an edit does not.
    pub(crate) fn comes_from(&self, file: &Utf8Path, workspace: &Workspace) -> bool {
        if file == workspace.lock_file() || file == workspace.root.join("Cargo.toml") {
            return true;
        }
        let real = file.canonicalize_utf8().unwrap_or_else(|_| file.to_owned());
        let locals = self.metadata.packages.iter().filter(|package| package.source.is_none());
        locals.map(|package| &package.manifest_path).any(|manifest| {
            manifest == file || self.originals.get(manifest).unwrap_or(manifest) == &real
        })
    }
}

/// Why there is no resolution.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The program cannot be started.
    #[error(
        "start `{}`: {source} (install Rust from https://rustup.rs or set the environment variable `CARGO`)",
        program.display()
    )]
    NoCargo {
        /// What was tried.
        program: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Cargo refused the workspace.
    #[error("resolve `{manifest}`: {stderr}")]
    Cargo {
        /// The judged manifest.
        manifest: Utf8PathBuf,
        /// What cargo wrote, its paths those of the user's workspace.
        stderr: String,
    },
    /// Cargo did not finish in time and was ended.
    #[error("resolve `{manifest}`: cargo did not finish within {seconds} seconds")]
    TimedOut {
        /// The judged manifest.
        manifest: Utf8PathBuf,
        /// The limit.
        seconds: u64,
    },
    /// Nobody waits for the answer any more: cargo was ended.
    #[error("resolve `{manifest}`: no longer wanted")]
    Unwanted {
        /// The judged manifest.
        manifest: Utf8PathBuf,
    },
    /// The scratch copy could not be made.
    #[error("copy `{path}` to resolve it elsewhere: {source}")]
    Scratch {
        /// Which file or folder.
        path: Utf8PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Cargo's answer is not what it documents.
    #[error("understand the answer of `cargo metadata` for `{manifest}`: {source}")]
    Answer {
        /// The judged manifest.
        manifest: Utf8PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// Where cargo is run.
#[derive(Clone, Copy, Debug)]
struct RunIn<'r> {
    /// In the folder of this manifest.
    manifest: &'r Utf8Path,
    /// The root of the scratch copy that holds it. Without one cargo must not write beside it.
    copy: Option<&'r Utf8Path>,
}

impl<'r> RunIn<'r> {
    /// In the user's own folder.
    fn location(manifest: &'r Utf8Path) -> Self {
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
    /// When cargo cannot be run, refuses the workspace, takes too long or is no longer wanted.
    pub fn resolve(
        &self,
        workspace: &Workspace,
        options: &MetadataOptions,
        wait: &Wait<'_>,
    ) -> Result<Resolution, ResolveError> {
        let lock_file = workspace.lock_file();
        let on_disk = read_to_string(&lock_file).is_ok();
        if on_disk || self.locked {
            if let Some(resolution) = self.recall(workspace, options) {
                return Ok(resolution);
            }
            let began = SystemTime::now() - CLOCK;
            match self.metadata(RunIn::location(&workspace.manifest), options, true, wait.wanted) {
                Ok(json) => {
                    let (metadata, shape) = read(&workspace.manifest, &json, wait)?;
                    let inputs = Some(remembered::inputs(workspace, &metadata))
                        .filter(|inputs| inputs.were_written_before(began));
                    if let Some(inputs) = &inputs {
                        remembered::remember(self, workspace, options, inputs, &json);
                    }
                    return Ok(Resolution {
                        metadata,
                        lock: LockState::Sound,
                        originals: BTreeMap::new(),
                        shape,
                        inputs,
                    });
                }
                Err(ResolveError::Cargo { stderr, .. })
                    if !self.locked && stderr.contains("--locked") => {}
                Err(error) => return Err(error),
            }
        }
        // Cargo goes by real paths, and so does the copy.
        let real = workspace.real();
        let ask = |manifest: &Utf8Path| self.members(manifest, wait.wanted);
        let refused = scratch::Refused::IsAnError;
        let scratch = scratch::Scratch::of(&self.children, &real, refused, &ask)?;
        let manifest = scratch.mirrored(&real.manifest);
        let run_in = RunIn { manifest: &manifest, copy: Some(scratch.root()) };
        let answer = self
            .metadata(run_in, options, false, wait.wanted)
            .map(|json| scratch.unmirrored(&json));
        let json = answer.map_err(|error| match error {
            ResolveError::Cargo { stderr, .. } => ResolveError::Cargo {
                manifest: workspace.manifest.clone(),
                stderr: scratch.unmirrored(&stderr),
            },
            other => other,
        })?;
        let (metadata, shape) = read(&workspace.manifest, &json, wait)?;
        Ok(Resolution {
            metadata,
            lock: if on_disk { LockState::Stale } else { LockState::Missing },
            originals: BTreeMap::new(),
            shape,
            inputs: None,
        })
    }

    /// The resolution of the workspace as it is on disk, if an earlier run has kept it. Starts no
    /// program.
    pub fn recall(&self, workspace: &Workspace, options: &MetadataOptions) -> Option<Resolution> {
        let (metadata, inputs) = remembered::recall(self, workspace, options)?;
        Some(Resolution {
            metadata,
            lock: LockState::Sound,
            originals: BTreeMap::new(),
            shape: None,
            inputs: Some(inputs),
        })
    }

    fn metadata(
        &self,
        run_in: RunIn<'_>,
        options: &MetadataOptions,
        locked: bool,
        wanted: &dyn Fn() -> bool,
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
        self.run(run_in, &args, wanted)
    }

    /// Members and their targets, without resolving anything.
    fn members(
        &self,
        manifest: &Utf8Path,
        wanted: &dyn Fn() -> bool,
    ) -> Result<scratch::Members, ResolveError> {
        let args = ["metadata", "--format-version=1", "--no-deps", "--manifest-path", "Cargo.toml"];
        let json = self.run(RunIn::location(manifest), &args.map(str::to_owned), wanted)?;
        parse(manifest, &json)
    }

    fn run(
        &self,
        run_in: RunIn<'_>,
        args: &[String],
        wanted: &dyn Fn() -> bool,
    ) -> Result<String, ResolveError> {
        let manifest = run_in.manifest;
        let (target, _private) = self.target(run_in)?;
        let mut command = process::cargo(&self.cargo, self.offline);
        command.args(args);
        if self.offline {
            command.arg("--offline");
        }
        // cargo-deny runs cargo in the manifest's folder, which decides cargo's configuration.
        command.current_dir(manifest.parent().unwrap_or(Utf8Path::new(".")));
        // Cargo keeps facts about rustc below the target folder, where there is one: not in the
        // user's. Without them it starts rustc twice each time.
        for name in TARGET_VARIABLES {
            command.env(name, &target);
        }
        if run_in.copy.is_some() {
            // An unstable way to put the lock file elsewhere.
            command.env_remove("CARGO_RESOLVER_LOCKFILE_PATH");
        }
        // Cargo asks for much memory in a short time: large pages save a tenth of it. Only glibc
        // knows this.
        if std::env::var_os("GLIBC_TUNABLES").is_none() {
            command.env("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");
        }
        let began = Instant::now();
        // It writes to its copy, where it runs in one, and to nothing else of the user's.
        let children = self.children.confined(&[&target]);
        let output =
            children.run_while(command, is_answer, wanted).map_err(|error| match error {
                RunError::Start(source) => {
                    ResolveError::NoCargo { program: self.cargo.clone(), source }
                }
                RunError::TimedOut { seconds } => {
                    ResolveError::TimedOut { manifest: manifest.to_owned(), seconds }
                }
                RunError::Unwanted => ResolveError::Unwanted { manifest: manifest.to_owned() },
            })?;
        tracing::debug!("`cargo {}` took {:?}", args.join(" "), began.elapsed());
        if output.success {
            Ok(output.stdout)
        } else {
            Err(ResolveError::Cargo { manifest: manifest.to_owned(), stderr: output.stderr })
        }
    }

    /// Cargo's target folder: one in the cache, else one in the copy or a private one, which is not
    /// there: cargo then keeps nothing. Nobody else can put anything in its place.
    fn target(
        &self,
        run_in: RunIn<'_>,
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

/// Whether cargo has written its answer, a line of JSON. It takes time to end after that.
fn is_answer(output: &[u8]) -> bool {
    let line =
        output.strip_suffix(b"\n").and_then(|lines| lines.rsplit(|byte| *byte == b'\n').next());
    line.is_some_and(|line| line.starts_with(b"{"))
}

/// Reads an answer of cargo.
fn read(
    manifest: &Utf8Path,
    json: &str,
    wait: &Wait<'_>,
) -> Result<(Metadata, Option<Shape>), ResolveError> {
    let shape = Shape::of(json);
    (wait.answered)(&shape);
    let metadata = parse(manifest, json)?;
    let shape = Some(shape).filter(|_| !shape::needs_requirements(&metadata));
    Ok((metadata, shape))
}

fn parse<T: DeserializeOwned>(manifest: &Utf8Path, output: &str) -> Result<T, ResolveError> {
    let json = output.lines().find(|line| line.starts_with('{')).unwrap_or_default();
    serde_json::from_str(json)
        .map_err(|source| ResolveError::Answer { manifest: manifest.to_owned(), source })
}
