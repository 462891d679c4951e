//! Licenses as policies and manifests state them, and the fewest that a graph needs.

use std::collections::BTreeMap;

use spdx::{
    Expression, LicenseItem, LicenseReq, Licensee, ParseMode,
    expression::{ExprNode, Operator},
};

use crate::verdict::PackageRef;

/// How cargo-deny reads a license in `allow`.
pub(crate) const IN_POLICY: ParseMode = ParseMode { allow_deprecated: true, ..ParseMode::STRICT };

/// How cargo-deny reads `package.license` first.
const IN_MANIFEST: ParseMode = ParseMode { allow_slash_as_or_operator: true, ..ParseMode::STRICT };

/// What nearly every package is offered under: not worth an exception for one.
pub(crate) const USUAL: [&str; 2] = ["Apache-2.0", "MIT"];

/// A license field as cargo-deny reads it; `None` for an empty one and where it would look at the
/// texts instead.
pub(crate) fn stated(license: &str) -> Option<Expression> {
    let parsed = Expression::parse_mode(license, IN_MANIFEST);
    parsed.or_else(|_| Expression::parse_mode(license, ParseMode::LAX)).ok()
}

/// The licenses of a list in a policy, as far as they can be read.
pub(crate) fn licensees(list: Option<&toml::Value>) -> Vec<Licensee> {
    let items = list.and_then(toml::Value::as_array).into_iter().flatten();
    let texts = items.filter_map(toml::Value::as_str);
    texts.filter_map(|text| Licensee::parse_mode(text, IN_POLICY).ok()).collect()
}

/// Whether an expression is satisfied by these licenses.
pub(crate) fn is_satisfied<'l>(
    expression: &Expression,
    by: &(impl Iterator<Item = &'l Licensee> + Clone),
) -> bool {
    expression.evaluate(|requirement| by.clone().any(|licensee| licensee.satisfies(requirement)))
}

/// Licenses, each with the packages that need it.
pub(crate) type ByLicense = BTreeMap<String, Vec<PackageRef>>;

/// What a graph needs.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// What can be permitted without a thought, and who could not do without it.
    pub(crate) permitted: ByLicense,
    /// Copyleft, and what is no license of SPDX's list: somebody has to decide. Who needs it needs
    /// nothing else of the list above.
    pub(crate) undecided: ByLicense,
}

/// The fewest licenses that satisfy all packages.
///
/// Where an expression leaves the choice: those that are no copyleft, then those that the OSI
/// approves, then those that most packages name, then those that stand first. A license is copyleft
/// where SPDX's list says so (`spdx::LicenseId::is_copyleft`).
pub(crate) fn chosen(packages: &[(PackageRef, Expression)]) -> Choice {
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    for requirement in packages.iter().flat_map(|(_, expression)| expression.requirements()) {
        *named.entry(without_later(&requirement.req).to_string()).or_default() += 1;
    }
    // What those need that leave no choice may satisfy the others.
    let choices = |expression: &Expression| {
        expression.iter().filter(|node| matches!(node, ExprNode::Op(Operator::Or))).count()
    };
    let mut order: Vec<&(PackageRef, Expression)> = packages.iter().collect();
    order.sort_by_key(|(_, expression)| choices(expression));
    let mut permitted: BTreeMap<String, Licensee> = BTreeMap::new();
    let mut decided: Vec<&(PackageRef, Expression)> = Vec::new();
    let mut choice = Choice::default();
    for one in order {
        let (package, expression) = one;
        let Some(wanting) = wanting(expression, &permitted, &named) else { continue };
        if wanting.iter().any(|wanted| wanted.undecided) {
            for wanted in wanting.into_iter().filter(|wanted| wanted.undecided) {
                choice.undecided.entry(wanted.text).or_default().push(package.clone());
            }
            continue;
        }
        decided.push(one);
        permitted.extend(wanting.into_iter().map(|wanted| (wanted.text, wanted.licensee)));
    }
    for license in permitted.keys().cloned().collect::<Vec<_>>() {
        let others = permitted.iter().filter(|(text, _)| **text != license);
        let others = others.map(|(_, licensee)| licensee);
        let in_need = decided.iter().filter(|(_, expression)| !is_satisfied(expression, &others));
        let mut in_need: Vec<_> = in_need.map(|(package, _)| package.clone()).collect();
        if in_need.is_empty() {
            // What was chosen later does as well.
            permitted.remove(&license);
            continue;
        }
        in_need.sort();
        choice.permitted.insert(license, in_need);
    }
    choice.undecided.values_mut().for_each(|packages| packages.sort());
    choice
}

/// A license that is wanting, and what speaks against taking it.
struct Wanted {
    text: String,
    licensee: Licensee,
    undecided: bool,
    unapproved: bool,
    /// How many packages name it.
    named: usize,
    at: usize,
}

/// The cheapest licenses that satisfy an expression together with those that are permitted; `None`
/// where cargo-deny would not read one of them in a policy.
fn wanting(
    expression: &Expression,
    permitted: &BTreeMap<String, Licensee>,
    named: &BTreeMap<String, usize>,
) -> Option<Vec<Wanted>> {
    let mut stack: Vec<Vec<Wanted>> = Vec::new();
    for (at, node) in expression.iter().enumerate() {
        let found = match node {
            ExprNode::Req(requirement) => {
                let mut licensees = permitted.values();
                if licensees.any(|licensee| licensee.satisfies(&requirement.req)) {
                    Vec::new()
                } else {
                    vec![Wanted::of(&requirement.req, named, at)?]
                }
            }
            ExprNode::Op(operator) => {
                let (mut right, mut left) = (stack.pop()?, stack.pop()?);
                match operator {
                    Operator::And => {
                        right.retain(|one| left.iter().all(|two| one.text != two.text));
                        left.append(&mut right);
                        left
                    }
                    Operator::Or if cost(&right) < cost(&left) => right,
                    Operator::Or => left,
                }
            }
        };
        stack.push(found);
    }
    stack.pop()
}

impl Wanted {
    fn of(requirement: &LicenseReq, named: &BTreeMap<String, usize>, at: usize) -> Option<Self> {
        let plain = without_later(requirement);
        let text = plain.to_string();
        let licensee = Licensee::parse_mode(&text, IN_POLICY).ok()?;
        let id = plain.license.id();
        licensee.satisfies(requirement).then(|| Self {
            undecided: id.is_none_or(spdx::LicenseId::is_copyleft),
            unapproved: !id.is_some_and(spdx::LicenseId::is_osi_approved),
            named: named.get(&text).copied().unwrap_or_default(),
            text,
            licensee,
            at,
        })
    }
}

/// A policy names licenses, not "or later".
fn without_later(requirement: &LicenseReq) -> LicenseReq {
    let mut plain = requirement.clone();
    if let LicenseItem::Spdx { or_later, .. } = &mut plain.license {
        *or_later = false;
    }
    plain
}

fn cost(wanted: &[Wanted]) -> (usize, usize, usize, usize, usize) {
    let count = |what: fn(&Wanted) -> bool| wanted.iter().filter(|one| what(one)).count();
    (
        count(|one| one.undecided),
        wanted.len(),
        count(|one| one.unapproved),
        usize::MAX - wanted.iter().map(|one| one.named).min().unwrap_or(usize::MAX),
        wanted.iter().map(|one| one.at).min().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(packages: &[(&str, &str)], permitted: &[(&str, &str)], undecided: &[(&str, &str)]) {
        let parsed = packages.iter().map(|(name, license)| {
            let package =
                PackageRef { name: (*name).to_owned(), version: "1.0.0".to_owned(), source: None };
            (package, stated(license).expect("an expression"))
        });
        let choice = chosen(&parsed.collect::<Vec<_>>());
        let shown = |all: &ByLicense| -> Vec<(String, String)> {
            let names = |packages: &[PackageRef]| {
                let names = packages.iter().map(|package| package.name.as_str());
                names.collect::<Vec<_>>().join(" ")
            };
            all.iter().map(|(license, packages)| (license.clone(), names(packages))).collect()
        };
        let owned = |all: &[(&str, &str)]| -> Vec<(String, String)> {
            all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
        };
        assert_eq!(shown(&choice.permitted), owned(permitted));
        assert_eq!(shown(&choice.undecided), owned(undecided));
    }

    #[test]
    fn one_of_several_is_chosen_as_others_need_it_or_name_it() {
        check(
            &[
                ("a", "MIT OR Apache-2.0"),
                ("b", "Apache-2.0"),
                ("c", "ISC OR Zlib"),
                ("d", "Zlib/MIT"),
            ],
            &[("Apache-2.0", "a b"), ("Zlib", "c d")],
            &[],
        );
        check(
            &[("a", "MIT OR Apache-2.0"), ("b", "Apache-2.0/MIT"), ("c", "MIT OR Zlib")],
            &[("MIT", "a b c")],
            &[],
        );
    }

    #[test]
    fn what_all_need_together_is_permitted() {
        check(
            &[("a", "(MIT OR Apache-2.0) AND Unicode-3.0"), ("b", "MIT")],
            &[("MIT", "a b"), ("Unicode-3.0", "a")],
            &[],
        );
        check(
            &[("a", "Apache-2.0 WITH LLVM-exception")],
            &[("Apache-2.0 WITH LLVM-exception", "a")],
            &[],
        );
    }

    #[test]
    fn copyleft_is_left_to_somebody_unless_there_is_something_else() {
        check(
            &[("a", "MPL-2.0"), ("b", "GPL-3.0-or-later OR MIT"), ("c", "MPL-2.0 AND ISC")],
            &[("MIT", "b")],
            &[("MPL-2.0", "a c")],
        );
        check(&[("a", "LicenseRef-ours")], &[], &[("LicenseRef-ours", "a")]);
        check(&[("a", "GPL-2.0+")], &[], &[("GPL-2.0-or-later", "a")]);
    }
}
