//! Lock files that may be anything: spans cover what they are said to, the graph has no edge to nowhere,
//! and dependency paths of findings end where they should.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| supercargo::verdict::fuzz_lock_file(text));
