//! Arbitrary cargo configurations: the one for a scratch copy is valid TOML, has absolute paths for all sources, and is
//! otherwise equal to the original.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| supercargo::resolve::fuzz_configuration(text));
