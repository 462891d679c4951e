//! `[output]`: the format of cargo-deny's reports.

use super::{EntryForm, SchemaKey, SchemaTable, ValueType, key};

pub(super) const OUTPUT: SchemaTable =
    SchemaTable { form: EntryForm::Plain, own: &[FEATURE_DEPTH] };

pub(super) const FEATURE_DEPTH: SchemaKey = key(
    "feature-depth",
    ValueType::Integer,
    "How many levels of features cargo-deny shows in its inclusion graphs. Has no effect on findings.",
)
.absent("`1`")
.example("[output]\nfeature-depth = 2\n");
