//! Duplicate entries: one is removed.

use super::{
    FixKind, PlanInput, PolicyPlan,
    document::{NodeKind, TomlDocument, TomlStep},
};

/// cargo-deny reports duplicates in `advisories.ignore` and `advisories.db-urls` without a code, at both
/// entries.
pub(super) fn plans(input: &PlanInput<'_>) -> Vec<PolicyPlan> {
    let locations: Vec<_> = input.locations().map(|location| location.span.start).collect();
    let [first, second] = locations.as_slice() else { return Vec::new() };
    let (first, second) = ((*first).min(*second), (*first).max(*second));
    let (Some(one), Some(other)) = (item(&input.document, first), item(&input.document, second))
    else {
        return Vec::new();
    };
    let is_twice =
        one.0 == other.0 && one.1 != other.1 && ["ignore", "db-urls"].contains(&one.0.as_str());
    if !is_twice {
        return Vec::new();
    }
    // The entry with a reason stays.
    let has_reason = |index: usize| {
        let items = input.document.items(&["advisories", &one.0]);
        items.get(index).is_some_and(|entry| entry.get("reason").is_some())
    };
    let removes_second = has_reason(one.1) || !has_reason(other.1);
    let (removed, title) = if removes_second {
        (second, "remove the duplicate entry")
    } else {
        (first, "remove the duplicate entry without a reason")
    };
    let edited = input.document.without_item(removed);
    let plan = edited.map(|edited| PolicyPlan::new(FixKind::Policy, title, edited));
    plan.into_iter().collect()
}

/// The list of `[advisories]` that contains an offset, and the index of the item.
fn item(document: &TomlDocument<'_>, offset: usize) -> Option<(String, usize)> {
    let steps = document.steps_to(offset)?;
    let [TomlStep::Key(section), TomlStep::Key(list), TomlStep::Index(index), ..] =
        steps.as_slice()
    else {
        return None;
    };
    let node = document.at(&steps[..2])?;
    let lists = matches!(node.kind, NodeKind::List(_) | NodeKind::Tables(_));
    (section == "advisories" && lists).then(|| (list.clone(), *index))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::fix::policy::samples::PolicySample;

    #[test]
    fn second_entry_is_removed_unless_only_it_has_a_reason() {
        let shown = |policy: &str| {
            let sample = PolicySample::new(policy);
            sample.shown(&sample.about_policy())
        };
        let policy =
            "[advisories]\nignore = [\"$0RUSTSEC-2020-0001\", \"A-1\", \"$0RUSTSEC-2020-0001\"]\n";
        expect![[r#"
            Policy: remove the duplicate entry
              @@ -1,2 +1,2 @@
               [advisories]
              -ignore = ["RUSTSEC-2020-0001", "A-1", "RUSTSEC-2020-0001"]
              +ignore = ["RUSTSEC-2020-0001", "A-1"]
        "#]]
        .assert_eq(&shown(policy));
        let policy = "[advisories]\nignore = [\"$0RUSTSEC-2020-0001\", $0{ id = \"RUSTSEC-2020-0001\", reason = \"r\" }]\n";
        expect![[r#"
            Policy: remove the duplicate entry without a reason
              @@ -1,2 +1,2 @@
               [advisories]
              -ignore = ["RUSTSEC-2020-0001", { id = "RUSTSEC-2020-0001", reason = "r" }]
              +ignore = [{ id = "RUSTSEC-2020-0001", reason = "r" }]
        "#]]
        .assert_eq(&shown(policy));
        assert_eq!(
            shown("[advisories]\nignore = [\"$0A-1\"]\ndb-urls = [\"$0https://a.org/x\"]\n"),
            "no plan\n"
        );
        assert_eq!(shown("[bans]\nallow = [\"$0a\"]\nskip = [\"$0a\"]\n"), "no plan\n");
    }
}
