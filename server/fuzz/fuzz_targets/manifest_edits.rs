//! Plans for a manifest that may be anything: what comes out is TOML and says what was meant, and the
//! same plan once more changes nothing.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| supercargo::fix::fuzz_manifest(text));
