//! `deny.toml` as a language: values in, values out, no IO, never fails on broken text.

pub(crate) mod licences;
pub mod template;

pub(crate) mod sources;
pub(crate) mod spec;
