//! A typed client of the real server: it starts `supercargo lsp` over pipes in a small world, speaks
//! as one of three editors does, and fails a test on what nobody asked for.
//!
//! Every wait has a limit and ends as soon as its condition holds. When a [`Client`] is dropped it
//! ends the server as its editor would and fails on a message that the test did not claim, on a
//! process or a scratch folder that is left, and on a wrong exit code.

mod actions;
mod answers;
mod cargo;
mod client;
mod diagnostics;
mod documents;
mod editor;
mod frames;
mod judge;
mod process;
mod session;
mod text;
mod world;

pub(crate) use actions::Action;
pub(crate) use cargo::FakeCargo;
pub(crate) use client::{Client, wait_until};
pub(crate) use diagnostics::{Diagnostic, Shown};
pub(crate) use documents::Change;
pub(crate) use editor::Editor;
pub(crate) use frames::{Incoming, frame};
pub(crate) use process::Process;
pub(crate) use session::Session;
pub(crate) use text::Encoding;
pub(crate) use world::World;

use std::time::Duration;

/// How long anything may take on a busy machine.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A test that is run as each of the editors.
macro_rules! each_editor {
    ($(fn $name:ident($editor:ident) $body:block)+) => {
        $(mod $name {
            use super::*;

            fn run($editor: crate::harness::Editor) $body

            #[test]
            fn vs_code() {
                run(crate::harness::Editor::VsCode);
            }

            #[test]
            fn neovim() {
                run(crate::harness::Editor::Neovim);
            }

            #[test]
            fn helix() {
                run(crate::harness::Editor::Helix);
            }
        })+
    };
}

pub(crate) use each_editor;
