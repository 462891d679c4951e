//! Features that a later version no longer has: a requirement that crosses to it cannot ask for them.

use camino::Utf8PathBuf;

use crate::{
    fix::{Overlay, policy::without_item},
    gate::{Texts as _, Verdict},
    model::manifest::{Dependency, Manifest},
    resolve::ResolveError,
    text::SourceText,
};

/// Features that declarations ask for and the chosen version does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedFeatures {
    /// The package that had them.
    pub package: String,
    /// Their names, as cargo lists them.
    pub features: Vec<String>,
}

impl RemovedFeatures {
    /// What cargo's refusal says: "package `m` depends on `x` with feature `f` but `x` does not have
    /// that feature", or "with features `f, g` but `x` does not have these features".
    pub(in crate::fix) fn of(error: &ResolveError) -> Option<Self> {
        let ResolveError::Cargo { stderr, .. } = error else { return None };
        Self::in_words(stderr)
    }

    fn in_words(stderr: &str) -> Option<Self> {
        stderr.lines().find_map(|line| {
            let (_, rest) = line.split_once("` depends on `")?;
            let (package, rest) = rest.split_once('`')?;
            let (asked, told) = rest.split_once(" but `")?;
            if !asked.contains(" feature") || !told.contains("does not have") {
                return None;
            }
            let quoted = asked.split('`').skip(1).step_by(2);
            let features = quoted.flat_map(|names| names.split(',')).map(str::trim);
            let features: Vec<_> = features.map(str::to_owned).collect();
            (!features.is_empty()).then(|| Self { package: package.to_owned(), features })
        })
    }

    /// Takes them out of the declarations of the workspace. Whether all that ask for them could be
    /// found is for cargo to say: `false` where none was.
    pub(in crate::fix) fn taken_out(&self, texts: &mut Overlay, verdict: &Verdict) -> bool {
        let mut files: Vec<&Utf8PathBuf> = verdict.declared.iter().map(|one| &one.file).collect();
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

    /// The text without them; `None` where it does not ask for them.
    fn without(&self, text: &str) -> Option<String> {
        let mut text = text.to_owned();
        let mut found = false;
        loop {
            let manifest = Manifest::parse(&text);
            let Some(offset) = self.asked(&manifest) else { return found.then_some(text) };
            text = without_item(&text, offset)?;
            found = true;
        }
    }

    /// What holds of every manifest: for the tests and the fuzzer.
    pub(in crate::fix) fn check_invariants(&self, text: &str) {
        let Some(after) = self.without(text) else { return };
        let manifest = Manifest::parse(&after);
        assert!(manifest.errors.is_empty(), "without {:?} breaks:\n{after}", self.features);
        assert_eq!(self.asked(&manifest), None, "still asked for:\n{after}");
        assert_eq!(self.without(&after), None, "twice:\n{after}");
    }

    /// Where a manifest asks for one of them: `features = [..]` of a declaration, or `name/feature`
    /// under `[features]`. What also turns on an optional dependency is left to the user.
    fn asked(&self, manifest: &Manifest) -> Option<usize> {
        let declared = || manifest.all_dependencies().filter(|one| one.package == self.package);
        let mut listed = declared().flat_map(|one| &one.features);
        if let Some(feature) = listed.find(|one| self.features.contains(&one.value)) {
            return Some(feature.span.start);
        }
        let asks = |turned_on: &str| {
            let Some((name, feature)) = turned_on.split_once('/') else { return false };
            let (name, weak) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
            let is_meant = |one: &&Dependency| one.key.value == name && (weak || !one.optional);
            self.features.iter().any(|one| one == feature) && declared().any(|one| is_meant(&one))
        };
        manifest.turned_on.iter().find(|one| asks(&one.value)).map(|one| one.span.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vanished(features: &[&str]) -> RemovedFeatures {
        let features = features.iter().map(|&one| one.to_owned()).collect();
        RemovedFeatures { package: "gix".to_owned(), features }
    }

    #[test]
    fn cargos_words_name_the_package_and_its_features() {
        let one = "package `m` depends on `gix` with feature `fast-sha1` but `gix` does not have \
                   that feature.\n";
        assert_eq!(RemovedFeatures::in_words(one), Some(vanished(&["fast-sha1"])));
        let several = "the package `m` depends on `gix`, with features: `fast, slow` but `gix` does \
                       not have these features.\n";
        assert_eq!(RemovedFeatures::in_words(several), Some(vanished(&["fast", "slow"])));
        let other = "package `libgit2-sys` links to the native library `git2`, but it conflicts\n";
        assert_eq!(RemovedFeatures::in_words(other), None);
    }

    fn check(before: &str, after: Option<&str>) {
        assert_eq!(vanished(&["fast", "slow"]).without(before).as_deref(), after);
    }

    #[test]
    fn only_those_of_that_package_go() {
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
    fn in_every_table_and_under_another_name() {
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
    fn also_where_a_feature_of_the_package_turns_them_on() {
        check(
            "[features]\nquick = [\"log/std\", \"gix/fast\"]\nall = [\"gix/slow\"]\n\n[dependencies]\ngix = \"1\"\n",
            Some("[features]\nquick = [\"log/std\"]\nall = []\n\n[dependencies]\ngix = \"1\"\n"),
        );
        let optional = "gix = { version = \"1\", optional = true }\n";
        check(
            &format!("[features]\nquick = [\"gix?/fast\"]\n\n[dependencies]\n{optional}"),
            Some(&format!("[features]\nquick = []\n\n[dependencies]\n{optional}")),
        );
        // This one also brings the package.
        check(&format!("[features]\nquick = [\"gix/fast\"]\n\n[dependencies]\n{optional}"), None);
    }
}
