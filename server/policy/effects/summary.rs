//! The combined effect of all entries of a list.

use std::collections::BTreeMap;

use super::{Effect, EffectKind, Effects, counted};
use crate::policy::entries::{PolicyEntry, PolicyList};

/// One line about a list: `2 entries · suppresses 3 findings · 1 matches nothing`; `None` if the effect
/// of no entry is known. `all` are the effects in all workspaces with this policy.
pub(crate) fn summary(
    list: PolicyList,
    entries: &[PolicyEntry],
    all: &[Effects<'_>],
) -> Option<String> {
    let listed: Vec<_> = entries.iter().filter(|entry| entry.list == list).collect();
    let effects: Vec<_> = listed.iter().filter_map(|entry| Effects::combined(all, entry)).collect();
    if effects.is_empty() {
        return None;
    }
    let without_match = unmatched(&effects);
    let mut together: BTreeMap<EffectKind, Effect> = BTreeMap::new();
    for effect in effects
        .into_iter()
        .filter(|effect| !effect.is_nothing() && effect.kind != EffectKind::Elsewhere)
    {
        match together.get_mut(&effect.kind) {
            Some(sum) => sum.add(effect),
            None => {
                together.insert(effect.kind, effect);
            }
        }
    }
    let mut words = if list.is_of_licenses() {
        let packages = together.values().next().map_or(0, |effect| effect.packages.len());
        together.clear();
        vec![format!("{} of {}", counted(listed.len(), "license"), counted(packages, "package"))]
    } else if let [_] = listed.as_slice() {
        vec!["1 entry".to_owned()]
    } else {
        vec![format!("{} entries", listed.len())]
    };
    words.extend(together.values().map(Effect::short));
    words.extend(without_match);
    Some(words.join(" · "))
}

/// `2 match nothing`, or `None` if all match.
pub(crate) fn unmatched<'e>(effects: impl IntoIterator<Item = &'e Effect>) -> Option<String> {
    match effects.into_iter().filter(|effect| effect.is_nothing()).count() {
        0 => None,
        1 => Some("1 matches nothing".to_owned()),
        many => Some(format!("{many} match nothing")),
    }
}
