//! Plans for an arbitrary manifest: the result is TOML with the intended content, and the same plan changes
//! nothing the second time.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| supercargo::fix::fuzz_manifest(text));
