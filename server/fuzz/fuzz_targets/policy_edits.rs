//! Plans for a policy that may be anything: what comes out is read by TOML and by cargo-deny, holds
//! everything that stood there, and the same plan once more changes nothing.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| supercargo::fix::policy::fuzz_policy(text));
