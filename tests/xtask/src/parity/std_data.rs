//! A small table of packages that the standard library replaces, in the form in which cargo-deny keeps the real one.
//!
//! The check `std-replacements` reads it from the temporary directory. What it says is made up for the cases.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Package, and the minor version of the release that replaced its API; sorted by name.
const REPLACED: &[(&str, u8)] = &[("bitflags", 200), ("cfg-if", 60), ("itoa", 60)];

/// The file's first bytes: a mark and the format's version.
const MAGIC: [u8; 4] = [0xcd, 0xcd, 0xcd, 1];

/// Writes the table where cargo-deny looks for it when `temp` is the temporary directory.
pub(crate) fn write(temp: &Path) -> Result<()> {
    let directory = temp.join("cargo-deny/std-replacement-data");
    fs::create_dir_all(&directory)?;
    fs::write(temp.join("cargo-deny/.lock"), "")?;
    fs::write(directory.join("all.bin"), table()?).context("could not write the replacement data")
}

/// A count, the offset of each entry, then the entries; numbers are 32 bits in the machine's own order.
fn table() -> Result<Vec<u8>> {
    let header = MAGIC.len() + 4 + 4 * REPLACED.len();
    let mut offsets = Vec::new();
    let mut entries = Vec::new();
    for (name, minor) in REPLACED {
        offsets.extend(u32::try_from(header + entries.len())?.to_ne_bytes());
        push(&mut entries, name)?;
        // One group of stable replacements, none unstable, none unavailable; the group has one replacement.
        entries.extend([1, 0, 0, *minor, 1]);
        for text in ["an_api", "", "std::an_api", "", ""] {
            push(&mut entries, text)?;
        }
    }

    let mut table = MAGIC.to_vec();
    table.extend(u32::try_from(REPLACED.len())?.to_ne_bytes());
    table.extend(offsets);
    table.extend(entries);
    Ok(table)
}

/// A text after its length in one byte.
fn push(entries: &mut Vec<u8>, text: &str) -> Result<()> {
    entries.push(u8::try_from(text.len())?);
    entries.extend_from_slice(text.as_bytes());
    Ok(())
}
