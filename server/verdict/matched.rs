//! The packages that entries of a policy match, where cargo-deny's diagnostics do not say so.

use std::collections::BTreeMap;

use cargo_deny::{
    Krates,
    diag::{FileId, Files},
    licenses::cfg::ValidConfig,
};

use super::{Location, PackageRef, PolicyText, Role, collect, manifests::package_ref};
use crate::text::SourceText;

/// An entry of a policy and the packages that it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedEntry {
    /// The name of the package in the entry.
    pub location: Location,
    /// The packages that match, in all their versions.
    pub packages: Vec<PackageRef>,
}

/// The license exceptions of the policy and its exceptions file, with the packages that they match.
pub(super) fn exceptions(
    krates: &Krates,
    config: &ValidConfig,
    policy: &PolicyText,
    files: &Files,
) -> Vec<MatchedEntry> {
    let mut texts: BTreeMap<FileId, SourceText> = BTreeMap::new();
    let all = config.exceptions.iter().filter_map(|one| {
        let span = one.spec.name.span.start..one.spec.name.span.end;
        let location = if one.file_id == config.file_id {
            policy.location(span)
        } else {
            let (id, source) = (one.file_id, files.source(one.file_id));
            let text = texts.entry(id).or_insert_with(|| SourceText::new(source)).clone();
            let name = collect::codespan_name(files, id)?;
            let file = policy.exceptions.as_ref().filter(|file| file.is_called(name))?.path.clone();
            let span = collect::without_byte_order_mark(source, &span);
            Location { file: file.into(), text, span, role: Role::Primary, via: None }
        };
        let named = krates.krates().filter(|krate| cargo_deny::match_krate(krate, &one.spec));
        Some(MatchedEntry { location, packages: named.map(package_ref).collect() })
    });
    all.collect()
}
