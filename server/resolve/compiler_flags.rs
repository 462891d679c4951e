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

    /// Whether they may change the options that a target has by default. Those for the linker, warnings and debug
    /// information do not.
    pub(super) fn may_change_defaults(&self) -> bool {
        let in_variable = |flags: &String| may_change_defaults(flags.split([' ', '\u{1f}']));
        self.variables.iter().any(in_variable)
            || self.configurations.iter().any(|text| includes_file(text) || configured_in(text))
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

/// Arguments of `-C` that change no configuration option.
const HARMLESS_CODEGEN: [&str; 16] = [
    "codegen-units",
    "debuginfo",
    "embed-bitcode",
    "force-frame-pointers",
    "incremental",
    "link-arg",
    "link-args",
    "link-dead-code",
    "link-self-contained",
    "linker",
    "linker-flavor",
    "prefer-dynamic",
    "rpath",
    "split-debuginfo",
    "strip",
    "symbol-mangling-version",
];

/// Options with an argument that change no configuration option.
const HARMLESS: [&str; 12] = [
    "-A",
    "-D",
    "-F",
    "-L",
    "-W",
    "-l",
    "--allow",
    "--cap-lints",
    "--deny",
    "--forbid",
    "--remap-path-prefix",
    "--warn",
];

/// Whether one of these words may change the options that a target has by default.
fn may_change_defaults<'w>(words: impl IntoIterator<Item = &'w str>) -> bool {
    let mut words = words.into_iter().filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        let codegen = word.strip_prefix("--codegen").or_else(|| word.strip_prefix("-C"));
        let is_harmless = match codegen.map(|argument| argument.trim_start_matches('=')) {
            Some("") => words.next().is_some_and(is_harmless_codegen),
            Some(argument) => is_harmless_codegen(argument),
            None if HARMLESS.contains(&word) => words.next().is_some(),
            None => {
                matches!(word, "-g" | "-v")
                    || HARMLESS.iter().any(|option| word.starts_with(option))
            }
        };
        if !is_harmless {
            return true;
        }
    }
    false
}

fn is_harmless_codegen(argument: &str) -> bool {
    let name = argument.split_once('=').map_or(argument, |(name, _)| name);
    HARMLESS_CODEGEN.contains(&name.replace('_', "-").as_str())
}

/// Whether a configuration of cargo has flags that may change these options. A text that is not TOML may have any.
fn configured_in(text: &str) -> bool {
    if !text.contains("rustflags") {
        return false;
    }
    toml::from_str::<toml::Table>(text).map_or(true, |table| has_flags(&toml::Value::Table(table)))
}

/// Whether a value has such flags under any key `rustflags`.
fn has_flags(value: &toml::Value) -> bool {
    match value {
        toml::Value::Table(table) => table.iter().any(|(key, value)| match (key.as_str(), value) {
            ("rustflags", toml::Value::String(flags)) => may_change_defaults(flags.split(' ')),
            ("rustflags", toml::Value::Array(flags)) => {
                let words: Option<Vec<_>> = flags.iter().map(toml::Value::as_str).collect();
                words.is_none_or(may_change_defaults)
            }
            ("rustflags", _) => true,
            (_, value) => has_flags(value),
        }),
        toml::Value::Array(all) => all.iter().any(has_flags),
        _ => false,
    }
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
    fn flags_for_the_linker_and_warnings_change_no_option() {
        for (flags, expected) in [
            (" ", false),
            ("-C link-arg=-fuse-ld=mold", false),
            ("-Clink-arg=-fuse-ld=lld -Clinker=clang", false),
            ("-C\u{1f}link-arg=-fuse-ld=mold\u{1f}-Wunused", false),
            ("-D warnings --cap-lints warn -g", false),
            ("-O", true),
            ("-C link-arg=-s -C panic=abort", true),
            ("-C target-cpu=native", true),
            ("--cfg tokio_unstable", true),
            ("-Zbuild-std", true),
            ("-C", true),
        ] {
            let variable = CompilerFlags::in_environment(flags);
            assert_eq!(variable.may_change_defaults(), expected, "{flags}");
            let words: Vec<_> =
                flags.split([' ', '\u{1f}']).filter(|word| !word.is_empty()).collect();
            for value in [format!("{words:?}"), format!("{:?}", words.join(" "))] {
                let text = format!("[target.x86_64-unknown-linux-gnu]\nrustflags = {value}\n");
                let configured =
                    CompilerFlags { configurations: vec![text], ..CompilerFlags::default() };
                assert_eq!(configured.may_change_defaults(), expected, "{value}");
            }
        }
        for (text, expected) in [
            ("[alias]\nx = \"run\"", false),
            ("[build]\nrustflags = [", true),
            ("[build]\nrustflags = 7", true),
            ("[build]\nrustflags = [\"-g\"]\n[[host]]\nrustflags = [\"-O\"]", true),
        ] {
            let configured =
                CompilerFlags { configurations: vec![text.to_owned()], ..CompilerFlags::default() };
            assert_eq!(configured.may_change_defaults(), expected, "{text}");
        }
    }
}
