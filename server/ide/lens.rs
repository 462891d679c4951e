//! Lenses with the result of the gate, above the dependencies and at the top of the policy.

use camino::Utf8Path;

use crate::{
    gate::Verdict,
    model::manifest::Manifest,
    text::{SourceText, Span},
};

/// The location of the lens of a verdict in `file`, if it has one there.
pub(crate) fn location(file: &Utf8Path, text: &SourceText, verdict: &Verdict) -> Option<Span> {
    if verdict.policy.as_deref() == Some(file) {
        return Some(0..0);
    }
    (verdict.workspace.manifest == file).then(|| {
        let manifest = Manifest::parse(text.as_str());
        let table = manifest.dependencies_key.clone();
        table.unwrap_or_else(|| manifest.head())
    })
}

/// What the gate says, without which gate that is: `3 errors, 1 warning · 2 new since main · 2 verified fixes`. `compared` is
/// the comparison with a base, `proved` counts the packages with a verified upgrade.
pub(crate) fn result(verdict: &Verdict, compared: Option<&str>, proved: usize) -> String {
    if !verdict.complete {
        return "no verdict".to_owned();
    }
    let totals = verdict.totals();
    let counts = match totals.text() {
        None => "clean".to_owned(),
        Some(text) if totals.counted.errors + totals.counted.warnings > 0 => text,
        Some(text) => format!("clean, {text}"),
    };
    let fixes = if proved == 0 {
        String::new()
    } else {
        match proved {
            1 => " · 1 verified fix".to_owned(),
            _ => format!(" · {proved} verified fixes"),
        }
    };
    let compared = compared.map(|compared| format!(" · {compared}")).unwrap_or_default();
    format!("{counts}{compared}{fixes}")
}

/// `gate: clean` of the only workspace; of several, ``gate of `core` and `fuzz`: clean``, where `names` are those with
/// this result.
pub(crate) fn title(result: &str, names: &[String], is_only: bool) -> String {
    if is_only {
        return format!("gate: {result}");
    }
    match names {
        [one] => format!("gate of `{one}`: {result}"),
        [one, other] => format!("gate of `{one}` and `{other}`: {result}"),
        _ => format!("gate of {} workspaces: {result}", names.len()),
    }
}
