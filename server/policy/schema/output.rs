//! `[output]`: how cargo-deny's own reports look.

use super::{Form, Key, Table, Value, key};

pub(super) const OUTPUT: Table = Table { form: Form::Plain, own: &[FEATURE_DEPTH] };

pub(super) const FEATURE_DEPTH: Key = key(
    "feature-depth",
    Value::Integer,
    "How deep the inclusion graphs in cargo-deny's own reports show features. It decides no finding.",
)
.absent("features are shown to a depth of 1")
.example("[output]\nfeature-depth = 2\n");
