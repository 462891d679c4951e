//! Features that a later version does not have: after a breaking upgrade the manifests must not enable
//! them.

use crate::{
    fix::{Overlay, policy::without_item},
    gate::{Texts as _, Verdict},
    model::manifest::{Dependency, Manifest},
    resolve::ResolveError,
    text::{FilePath, SourceText},
};

/// Features that dependencies enable and the new version does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedFeatures {
    /// The package that had them.
    pub package: String,
    /// The names, as cargo lists them.
    pub features: Vec<String>,
}

impl RemovedFeatures {
    /// Reads cargo's error: "package `m` depends on `x` with feature `f` but `x` does not have
    /// that feature", or "with features `f, g` but `x` does not have these features".
    pub(in crate::fix) fn of(error: &ResolveError) -> Option<Self> {
        let ResolveError::Cargo { stderr, .. } = error else { return None };
        Self::parse(stderr)
    }

    fn parse(stderr: &str) -> Option<Self> {
        stderr.lines().find_map(|line| {
            let (_, rest) = line.split_once("` depends on `")?;
            let (package, rest) = rest.split_once('`')?;
            let (enabled, problem) = rest.split_once(" but `")?;
            if !enabled.contains(" feature") || !problem.contains("does not have") {
                return None;
            }
            let quoted = enabled.split('`').skip(1).step_by(2);
            let features = quoted.flat_map(|names| names.split(',')).map(str::trim);
            let features: Vec<_> = features.map(str::to_owned).collect();
            (!features.is_empty()).then(|| Self { package: package.to_owned(), features })
        })
    }

    /// Removes them from the dependencies of the workspace. Returns whether one was found. If some remain,
    /// cargo reports them again.
    pub(in crate::fix) fn remove_from(&self, texts: &mut Overlay, verdict: &Verdict) -> bool {
        let mut files: Vec<&FilePath> = verdict.declared.iter().map(|one| &one.file).collect();
        files.sort_unstable();
        files.dedup();
        let mut found = false;
        for file in files {
            let Ok(now) = texts.read(file) else { continue };
            let Some(without) = self.without(now.as_str()) else { continue };
            found |= texts.set(file, SourceText::new(&without)).is_ok();
        }
        found
    }

    /// The manifest without them; `None` if it does not enable them.
    fn without(&self, text: &str) -> Option<String> {
        let mut text = text.to_owned();
        let mut found = false;
        loop {
            let manifest = Manifest::parse(&text);
            let Some(offset) = self.find(&manifest) else { return found.then_some(text) };
            text = without_item(&text, offset)?;
            found = true;
        }
    }

    /// Asserts the invariants of [`Self::without`]: for the tests and the fuzzer.
    pub(in crate::fix) fn check_invariants(&self, text: &str) {
        let Some(after) = self.without(text) else { return };
        let manifest = Manifest::parse(&after);
        assert!(manifest.errors.is_empty(), "without {:?} breaks:\n{after}", self.features);
        assert_eq!(self.find(&manifest), None, "still enabled:\n{after}");
        assert_eq!(self.without(&after), None, "twice:\n{after}");
    }

    /// Where a manifest enables one of them: in the `features` of a dependency, or as `name/feature` under
    /// `[features]`. An entry that also enables an optional dependency is left to the user.
    fn find(&self, manifest: &Manifest) -> Option<usize> {
        let declared = || manifest.all_dependencies().filter(|one| one.package == self.package);
        let mut listed = declared().flat_map(|one| &one.features);
        if let Some(feature) = listed.find(|one| self.features.contains(&one.value)) {
            return Some(feature.span.start);
        }
        let enables = |enabled_features: &str| {
            let Some((name, feature)) = enabled_features.split_once('/') else { return false };
            let (name, weak) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
            let is_same_key = |one: &&Dependency| one.key.value == name && (weak || !one.optional);
            self.features.iter().any(|one| one == feature)
                && declared().any(|one| is_same_key(&one))
        };
        manifest.enabled_features.iter().find(|one| enables(&one.value)).map(|one| one.span.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removed(features: &[&str]) -> RemovedFeatures {
        let features = features.iter().map(|&one| one.to_owned()).collect();
        RemovedFeatures { package: "gix".to_owned(), features }
    }

    #[test]
    fn error_of_cargo_names_package_and_features() {
        let one = "package `m` depends on `gix` with feature `fast-sha1` but `gix` does not have \
                   that feature.\n";
        assert_eq!(RemovedFeatures::parse(one), Some(removed(&["fast-sha1"])));
        let several = "the package `m` depends on `gix`, with features: `fast, slow` but `gix` does \
                       not have these features.\n";
        assert_eq!(RemovedFeatures::parse(several), Some(removed(&["fast", "slow"])));
        let other = "package `libgit2-sys` links to the native library `git2`, but it conflicts\n";
        assert_eq!(RemovedFeatures::parse(other), None);
    }

    fn check(before: &str, after: Option<&str>) {
        assert_eq!(removed(&["fast", "slow"]).without(before).as_deref(), after);
    }

    #[test]
    fn features_of_other_packages_are_kept() {
        check(
            "[dependencies]\ngix = { version = \"1\", features = [\"fast\", \"safe\"] }\nother = { \
             version = \"1\", features = [\"fast\"] }\n",
            Some(
                "[dependencies]\ngix = { version = \"1\", features = [\"safe\"] }\nother = { \
                 version = \"1\", features = [\"fast\"] }\n",
            ),
        );
    }

    #[test]
    fn renamed_dependency_in_target_table_is_changed() {
        check(
            "[target.'cfg(unix)'.dependencies.git]\npackage = \"gix\"\nversion = \"1\"\nfeatures = \
             [\n    # quick\n    \"safe\",\n    \"slow\",\n]\n",
            Some(
                "[target.'cfg(unix)'.dependencies.git]\npackage = \"gix\"\nversion = \"1\"\nfeatures = \
                 [\n    # quick\n    \"safe\",\n]\n",
            ),
        );
        check("[workspace.dependencies]\ngix = { version = \"1\" }\n", None);
    }

    #[test]
    fn features_table_is_changed() {
        check(
            "[features]\nquick = [\"log/std\", \"gix/fast\"]\nall = [\"gix/slow\"]\n\n[dependencies]\ngix = \"1\"\n",
            Some("[features]\nquick = [\"log/std\"]\nall = []\n\n[dependencies]\ngix = \"1\"\n"),
        );
        let optional = "gix = { version = \"1\", optional = true }\n";
        check(
            &format!("[features]\nquick = [\"gix?/fast\"]\n\n[dependencies]\n{optional}"),
            Some(&format!("[features]\nquick = []\n\n[dependencies]\n{optional}")),
        );
        // This entry also enables the optional dependency.
        check(&format!("[features]\nquick = [\"gix/fast\"]\n\n[dependencies]\n{optional}"), None);
    }
}
