//! Configurations of cargo that may be anything: the one for a scratch copy is TOML, names every source
//! by an absolute path and says nothing else than the original.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| supercargo::resolve::fuzz_configuration(text));
