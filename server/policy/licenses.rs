//! Parsing of licenses in policies and manifests, and the smallest set of licenses that a graph needs.

use std::collections::BTreeMap;

use spdx::{
    Expression, LicenseItem, LicenseReq, Licensee, ParseMode,
    expression::{ExprNode, Operator},
};

use crate::verdict::PackageRef;

/// How cargo-deny parses a license in `allow`.
pub(crate) const POLICY_PARSE_MODE: ParseMode =
    ParseMode { allow_deprecated: true, ..ParseMode::STRICT };

/// How cargo-deny first parses `package.license`.
const MANIFEST_PARSE_MODE: ParseMode =
    ParseMode { allow_slash_as_or_operator: true, ..ParseMode::STRICT };

/// Licenses that are so common that an exception for one package is not worth it.
pub(crate) const COMMON_LICENSES: [&str; 2] = ["Apache-2.0", "MIT"];

/// Parses `package.license` as cargo-deny does; `None` if the field is empty or invalid, so that
/// cargo-deny would use the license texts instead.
pub(crate) fn parse_license_field(license: &str) -> Option<Expression> {
    let parsed = Expression::parse_mode(license, MANIFEST_PARSE_MODE);
    parsed.or_else(|_| Expression::parse_mode(license, ParseMode::LAX)).ok()
}

/// The valid licenses of a list in a policy.
pub(crate) fn parse_licensees(list: Option<&toml::Value>) -> Vec<Licensee> {
    let items = list.and_then(toml::Value::as_array).into_iter().flatten();
    let texts = items.filter_map(toml::Value::as_str);
    texts.filter_map(|text| Licensee::parse_mode(text, POLICY_PARSE_MODE).ok()).collect()
}

/// Whether these licenses satisfy an expression.
pub(crate) fn is_satisfied<'l>(
    expression: &Expression,
    by: &(impl Iterator<Item = &'l Licensee> + Clone),
) -> bool {
    expression.evaluate(|requirement| by.clone().any(|licensee| licensee.satisfies(requirement)))
}

/// Licenses with the packages that need them.
pub(crate) type PackagesByLicense = BTreeMap<String, Vec<PackageRef>>;

/// The licenses that a graph needs.
#[derive(Debug, Default)]
pub(crate) struct LicenseChoice {
    /// Permissive licenses, with the packages that need them
    pub(crate) permitted: PackagesByLicense,
    /// Copyleft licenses and those that are not on the SPDX list: the user has to decide. Their
    /// packages are not counted for `permitted`.
    pub(crate) undecided: PackagesByLicense,
}

/// Chooses the fewest licenses that satisfy all packages.
///
/// If an expression has alternatives, it prefers licenses that are not copyleft, then those that the
/// OSI approves, then those that most packages name, then the first ones. The SPDX list decides which
/// licenses are copyleft (`spdx::LicenseId::is_copyleft`).
pub(crate) fn choose(packages: &[(PackageRef, Expression)]) -> LicenseChoice {
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    for requirement in packages.iter().flat_map(|(_, expression)| expression.requirements()) {
        *named.entry(without_or_later(&requirement.req).to_string()).or_default() += 1;
    }
    // Expressions without alternatives come first: their licenses may satisfy the others.
    let alternatives = |expression: &Expression| {
        expression.iter().filter(|node| matches!(node, ExprNode::Op(Operator::Or))).count()
    };
    let mut order: Vec<&(PackageRef, Expression)> = packages.iter().collect();
    order.sort_by_key(|(_, expression)| alternatives(expression));
    let mut permitted: BTreeMap<String, Licensee> = BTreeMap::new();
    let mut decided: Vec<&(PackageRef, Expression)> = Vec::new();
    let mut choice = LicenseChoice::default();
    for one in order {
        let (package, expression) = one;
        let Some(missing) = cheapest_addition(expression, &permitted, &named) else { continue };
        if missing.iter().any(|license| license.undecided) {
            for license in missing.into_iter().filter(|license| license.undecided) {
                choice.undecided.entry(license.text).or_default().push(package.clone());
            }
            continue;
        }
        decided.push(one);
        permitted.extend(missing.into_iter().map(|license| (license.text, license.licensee)));
    }
    for license in permitted.keys().cloned().collect::<Vec<_>>() {
        let others = permitted.iter().filter(|(text, _)| **text != license);
        let others = others.map(|(_, licensee)| licensee);
        let needing = decided.iter().filter(|(_, expression)| !is_satisfied(expression, &others));
        let mut needing: Vec<_> = needing.map(|(package, _)| package.clone()).collect();
        if needing.is_empty() {
            // The licenses that were chosen later are enough.
            permitted.remove(&license);
            continue;
        }
        needing.sort();
        choice.permitted.insert(license, needing);
    }
    choice.undecided.values_mut().for_each(|packages| packages.sort());
    choice
}

/// A license that an expression needs and the policy does not permit yet, with its disadvantages.
struct MissingLicense {
    text: String,
    licensee: Licensee,
    undecided: bool,
    unapproved: bool,
    /// The number of packages that name it
    named: usize,
    /// Its position in the expression
    at: usize,
}

/// The cheapest licenses that, together with the permitted ones, satisfy an expression; `None` if
/// cargo-deny would not accept one of them in a policy.
fn cheapest_addition(
    expression: &Expression,
    permitted: &BTreeMap<String, Licensee>,
    named: &BTreeMap<String, usize>,
) -> Option<Vec<MissingLicense>> {
    let mut stack: Vec<Vec<MissingLicense>> = Vec::new();
    for (at, node) in expression.iter().enumerate() {
        let found = match node {
            ExprNode::Req(requirement) => {
                let mut licensees = permitted.values();
                if licensees.any(|licensee| licensee.satisfies(&requirement.req)) {
                    Vec::new()
                } else {
                    vec![MissingLicense::of(&requirement.req, named, at)?]
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

impl MissingLicense {
    fn of(requirement: &LicenseReq, named: &BTreeMap<String, usize>, at: usize) -> Option<Self> {
        let plain = without_or_later(requirement);
        let text = plain.to_string();
        let licensee = Licensee::parse_mode(&text, POLICY_PARSE_MODE).ok()?;
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

/// Without "or later", which a policy cannot name.
fn without_or_later(requirement: &LicenseReq) -> LicenseReq {
    let mut plain = requirement.clone();
    if let LicenseItem::Spdx { or_later, .. } = &mut plain.license {
        *or_later = false;
    }
    plain
}

fn cost(licenses: &[MissingLicense]) -> (usize, usize, usize, usize, usize) {
    let count = |what: fn(&MissingLicense) -> bool| licenses.iter().filter(|one| what(one)).count();
    (
        count(|one| one.undecided),
        licenses.len(),
        count(|one| one.unapproved),
        usize::MAX - licenses.iter().map(|one| one.named).min().unwrap_or(usize::MAX),
        licenses.iter().map(|one| one.at).min().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use semver::Version;

    use super::*;

    fn check(packages: &[(&str, &str)], permitted: &[(&str, &str)], undecided: &[(&str, &str)]) {
        let parsed = packages.iter().map(|(name, license)| {
            let package = PackageRef {
                name: (*name).to_owned(),
                version: Version::new(1, 0, 0),
                source: None,
            };
            (package, parse_license_field(license).expect("an expression"))
        });
        let choice = choose(&parsed.collect::<Vec<_>>());
        let shown = |all: &PackagesByLicense| -> Vec<(String, String)> {
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
    fn alternatives_prefer_licenses_that_others_need_or_name() {
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
    fn all_licenses_of_an_and_expression_are_permitted() {
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
    fn copyleft_is_undecided_unless_there_is_an_alternative() {
        check(
            &[("a", "MPL-2.0"), ("b", "GPL-3.0-or-later OR MIT"), ("c", "MPL-2.0 AND ISC")],
            &[("MIT", "b")],
            &[("MPL-2.0", "a c")],
        );
        check(&[("a", "LicenseRef-ours")], &[], &[("LicenseRef-ours", "a")]);
        check(&[("a", "GPL-2.0+")], &[], &[("GPL-2.0-or-later", "a")]);
    }
}
