//! A typed client of the real server: it starts `supercargo lsp` over pipes in a small world, behaves
//! like one of three editors, and fails a test on unexpected messages.
//!
//! Every wait has a limit and ends as soon as its condition is true. When a [`Client`] is dropped, it
//! ends the server as its editor would, and fails on a message that the test did not claim, on a
//! remaining process or scratch folder, and on a wrong exit code.

mod actions;
mod cargo;
mod cargo_deny;
mod client;
mod client_responses;
mod diagnostics;
mod documents;
mod editor;
mod frames;
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

/// A generous limit for a busy machine.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A test that runs with each editor.
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
