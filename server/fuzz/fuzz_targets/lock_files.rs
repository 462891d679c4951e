//! Arbitrary lockfiles: spans cover the right text, the graph has no dangling edges, and dependency paths of findings end
//! at the right package.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| supercargo::verdict::fuzz_lock_file(text));
