//! Applies plans to an arbitrary policy: TOML and cargo-deny accept the result, it keeps everything else,
//! and applying the same plan again changes nothing.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| supercargo::fix::policy::fuzz_policy(text));
