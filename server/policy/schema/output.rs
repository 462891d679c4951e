//! `[output]`: how cargo-deny's own reports look.

use super::{EntryForm, SchemaKey, SchemaTable, ValueType, key};

pub(super) const OUTPUT: SchemaTable = SchemaTable { form: EntryForm::Plain, own: &[FEATURE_DEPTH] };

pub(super) const FEATURE_DEPTH: SchemaKey = key(
    "feature-depth",
    ValueType::Integer,
    "How deep the inclusion graphs in cargo-deny's own reports show features. It decides no finding.",
)
.absent("features are shown to a depth of 1")
.example("[output]\nfeature-depth = 2\n");
