//! Wrappers of rustc, which are off when cargo runs: one such as sccache starts a daemon, which would be confined and killed like
//! the child.
//!
//! Where none is named, the variables have to be absent instead of empty: with an empty one cargo cannot identify rustc, caches
//! no facts about it and starts it twice each time.

use std::{env, process::Command};

use camino::Utf8Path;

use super::cargo_configuration::configuration_texts;

/// The variables that override the configuration (The Cargo Book, "build.rustc-wrapper" and "build.rustc-workspace-wrapper").
const VARIABLES: [&str; 2] = ["RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"];

/// The variables of the configuration's keys.
const KEY_VARIABLES: [&str; 2] =
    ["CARGO_BUILD_RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER"];

/// What a configuration that sets a wrapper contains, in itself or in a file that it includes.
const MENTIONS: [&str; 2] = ["wrapper", "include"];

/// Turns them off for a command that runs in `folder`.
pub(crate) fn turn_off(command: &mut Command, folder: &Utf8Path) {
    let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    // An empty value overrides the configuration.
    let overrides = KEY_VARIABLES.iter().any(is_set) || configuration_names_one(folder);
    for name in VARIABLES {
        if overrides {
            command.env(name, "");
        } else {
            command.env_remove(name);
        }
    }
}

/// Whether a configuration may name a wrapper.
fn configuration_names_one(folder: &Utf8Path) -> bool {
    configuration_texts(folder).any(|text| MENTIONS.iter().any(|mention| text.contains(mention)))
}
