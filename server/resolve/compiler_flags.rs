//! The flags with which cargo asks the compiler for its configuration options (The Cargo Book, "build.rustflags"): what none of
//! them mentions has its default. Cargo itself decides which flags apply to a target.

use std::env;

use camino::Utf8Path;

use super::cargo_configuration::configuration_texts;

/// The options that rustc sets by itself and of which only it knows the values.
const OPTIONS_OF_RUSTC: [&str; 7] = [
    "contract_checks",
    "emscripten_wasm_eh",
    "fmt_debug",
    "overflow_checks",
    "relocation_model",
    "sanitize",
    "ub_checks",
];

/// The texts that may have flags.
#[derive(Debug, Default)]
pub(super) struct CompilerFlags {
    variables: Vec<String>,
    configurations: Vec<String>,
}

impl CompilerFlags {
    /// Those of cargo when it runs in a folder.
    pub(super) fn of(folder: &Utf8Path) -> Self {
        let variables = env::vars_os().filter_map(|(name, value)| {
            let has_flags = name.to_str().is_some_and(is_variable_of_flags);
            has_flags.then(|| value.to_string_lossy().into_owned())
        });
        Self {
            variables: variables.collect(),
            configurations: configuration_texts(folder).collect(),
        }
    }

    /// Those of one variable.
    #[cfg(test)]
    pub(super) fn in_environment(flags: &str) -> Self {
        Self { variables: vec![flags.to_owned()], ..Self::default() }
    }

    /// Whether there may be flags for one target at least.
    pub(super) fn are_given(&self) -> bool {
        let in_configurations = |text: &String| text.contains("rustflags") || includes_file(text);
        self.variables.iter().any(|flags| !flags.trim().is_empty())
            || self.configurations.iter().any(in_configurations)
    }

    /// Whether they, or the compiler itself, may set a configuration option.
    pub(super) fn may_set(&self, option: &str) -> bool {
        let mut all = self.variables.iter().chain(&self.configurations);
        OPTIONS_OF_RUSTC.contains(&option)
            || all.any(|text| text.contains(option) || includes_file(text))
    }
}

/// Whether an environment variable has flags: `RUSTFLAGS`, or one of cargo's for it or for one target.
pub(super) fn is_variable_of_flags(name: &str) -> bool {
    name.ends_with("RUSTFLAGS")
}

/// Whether a text includes a file, or names one as an argument of the compiler (`@flags`).
fn includes_file(text: &str) -> bool {
    let starts_argument = |at: usize| {
        let before = text[..at].chars().next_back();
        before.is_none_or(|before| before.is_whitespace() || "\"'\u{1f}".contains(before))
    };
    text.contains("include") || text.match_indices('@').any(|(at, _)| starts_argument(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn included_files_may_set_anything() {
        for (text, may_set) in [
            ("git = \"git@example.com\"", false),
            ("rustflags = [\"@flags\"]", true),
            ("-g @flags", true),
            ("-g\u{1f}@flags", true),
            ("@flags", true),
            ("include = \"other.toml\"", true),
            ("rustflags = [\"--cfg\", \"loom\"]", true),
        ] {
            let configurations = vec![text.to_owned()];
            let flags = CompilerFlags { configurations, ..CompilerFlags::default() };
            assert_eq!(flags.may_set("loom"), may_set, "{text}");
        }
    }

    #[test]
    fn flags_are_given_by_a_variable_or_a_configuration() {
        let configured = |text: &str| CompilerFlags {
            configurations: vec![text.to_owned()],
            ..CompilerFlags::default()
        };
        assert!(!CompilerFlags::in_environment(" ").are_given());
        assert!(CompilerFlags::in_environment("-O").are_given());
        assert!(configured("[build]\nrustflags = []").are_given());
        assert!(!configured("[alias]\nx = \"run\"").are_given());
    }
}
