//! The texts of cargo's configuration. What none of them mentions is not set; cargo itself merges and interprets them.

use camino::{Utf8Path, Utf8PathBuf};

use crate::{facts::configuration_files, text::read_to_string, workspace::CONFIGURATION_NAMES};

/// The text of each configuration that cargo reads in a folder: there, in the folders above it, and in cargo's home. For
/// one that cannot be read, a text that includes another one.
pub(super) fn configuration_texts(folder: &Utf8Path) -> impl Iterator<Item = String> {
    // Cargo looks upwards from the real folder, which may have been opened through a link.
    let real = folder.canonicalize_utf8().unwrap_or_else(|_| folder.to_owned());
    let above: Vec<_> = real
        .ancestors()
        .flat_map(|folder| CONFIGURATION_NAMES.map(|name| folder.join(name)))
        .collect();
    let files = above.into_iter().chain(configuration_files());
    files.filter_map(|file: Utf8PathBuf| match read_to_string(&file) {
        Ok(text) => Some(text),
        Err(_) => file.exists().then(|| "include".to_owned()),
    })
}
