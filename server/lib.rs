//! Supercargo: the verdict of cargo-deny on the line that can mend it. See `ARCHITECTURE.md`.

pub mod cli;
pub mod facts;
pub mod gate;
pub mod ide;
pub mod lsp;
pub mod model;
pub mod resolve;
pub mod text;
pub mod verdict;
pub mod workspace;
