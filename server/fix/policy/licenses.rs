//! Which licenses the policy allows for a package, and which of its expression are missing.

use spdx::{
    Expression, LicenseItem, LicenseReq, Licensee,
    expression::{ExprNode, Operator},
};

use super::{PlanInput, spec};
use crate::{
    policy::licenses::{POLICY_PARSE_MODE, parse_license_field, parse_licensees},
    verdict::{PackageFolder, PackageRef, Recognized, license_file, license_files, recognized},
};

pub(super) const ALLOW: [&str; 2] = ["licenses", "allow"];
pub(super) const EXCEPTIONS: [&str; 2] = ["licenses", "exceptions"];
pub(super) const CLARIFY: [&str; 2] = ["licenses", "clarify"];

/// The licenses that the policy allows for one package.
pub(super) struct AllowedLicenses {
    allowed: Vec<Licensee>,
    /// The first exception for the package; cargo-deny ignores the others.
    pub(super) exception: Option<usize>,
    excepted: Vec<Licensee>,
    /// The licenses in the exceptions of other packages.
    other_exceptions: Vec<Licensee>,
}

impl AllowedLicenses {
    pub(super) fn of(input: &PlanInput<'_>, package: &PackageRef) -> Self {
        let exceptions = input.document.items(&EXCEPTIONS);
        let exception = exceptions.iter().position(|entry| spec::matches(entry, package));
        let of = |entry: &toml::Value| parse_licensees(entry.get("allow"));
        Self {
            allowed: parse_licensees(input.document.value(&ALLOW)),
            exception,
            excepted: exception.map(|index| of(&exceptions[index])).unwrap_or_default(),
            other_exceptions: exceptions.iter().flat_map(of).collect(),
        }
    }

    /// The smallest set of licenses that satisfies an expression together with the allowed ones: empty if
    /// it is satisfied already, `None` if cargo-deny cannot parse one of them.
    ///
    /// Among sets of the same size it prefers those without copyleft, then those that the OSI approves,
    /// then those in exceptions of other packages, then the first in the expression.
    pub(super) fn missing_licenses(&self, expression: &Expression) -> Option<Vec<String>> {
        let mut stack: Vec<Vec<DisallowedLicense>> = Vec::new();
        for (at, node) in expression.iter().enumerate() {
            let found = match node {
                ExprNode::Req(requirement) if self.satisfies(&requirement.req) => Vec::new(),
                ExprNode::Req(requirement) => vec![self.missing_license(&requirement.req, at)?],
                ExprNode::Op(operator) => {
                    let (mut right, mut left) = (stack.pop()?, stack.pop()?);
                    match operator {
                        Operator::And => {
                            right.retain(|one| left.iter().all(|two| one.text != two.text));
                            left.append(&mut right);
                            left
                        }
                        Operator::Or => {
                            if cost(&right) < cost(&left) {
                                right
                            } else {
                                left
                            }
                        }
                    }
                }
            };
            stack.push(found);
        }
        Some(stack.pop()?.into_iter().map(|license| license.text).collect())
    }

    fn satisfies(&self, requirement: &LicenseReq) -> bool {
        let mut all = self.excepted.iter().chain(&self.allowed);
        all.any(|licensee| licensee.satisfies(requirement))
    }

    fn missing_license(&self, requirement: &LicenseReq, at: usize) -> Option<DisallowedLicense> {
        let mut plain = requirement.clone();
        if let LicenseItem::Spdx { or_later, .. } = &mut plain.license {
            *or_later = false;
        }
        let text = plain.to_string();
        let licensee = Licensee::parse_mode(&text, POLICY_PARSE_MODE).ok()?;
        let id = plain.license.id();
        Some(DisallowedLicense {
            copyleft: id.is_none_or(spdx::LicenseId::is_copyleft),
            unapproved: !id.is_some_and(spdx::LicenseId::is_osi_approved),
            unlisted: !self.other_exceptions.contains(&licensee),
            text,
            at,
        })
    }
}

/// A license that the policy does not allow, with the criteria for its choice.
struct DisallowedLicense {
    text: String,
    copyleft: bool,
    unapproved: bool,
    unlisted: bool,
    at: usize,
}

fn cost(licenses: &[DisallowedLicense]) -> (usize, usize, usize, usize, usize) {
    let count =
        |what: fn(&DisallowedLicense) -> bool| licenses.iter().filter(|one| what(one)).count();
    (
        licenses.len(),
        count(|one| one.copyleft),
        count(|one| one.unapproved),
        count(|one| one.unlisted),
        licenses.iter().map(|one| one.at).min().unwrap_or_default(),
    )
}

/// The license expression of a package: of its clarification, its manifest, or its license files.
pub(super) fn expression(input: &PlanInput<'_>, package: &PackageRef) -> Option<Expression> {
    if let Some(index) = clarification(input, package) {
        let stated = input.document.items(&CLARIFY).get(index)?.get("expression")?.as_str()?;
        return Expression::parse(stated).ok();
    }
    declared_or_recognized(input.facts.packages.get(package)?)
}

/// The license expression of a package's manifest, otherwise of its license files.
pub(super) fn declared_or_recognized(folder: &PackageFolder) -> Option<Expression> {
    if let Some(stated) = folder.license.as_deref().and_then(parse_license_field) {
        return Some(stated);
    }
    let found = recognized(&license_files(folder));
    let ids = found.iter().filter_map(|license| match license {
        Recognized::One(id) | Recognized::Perhaps(id) => Some(*id),
        _ => None,
    });
    Expression::parse_mode(&ids.collect::<Vec<_>>().join(" AND "), POLICY_PARSE_MODE).ok()
}

/// The index of the clarification that applies to a package.
pub(super) fn clarification(input: &PlanInput<'_>, package: &PackageRef) -> Option<usize> {
    let clarify = input.document.items(&CLARIFY);
    clarify.iter().position(|entry| {
        spec::matches(entry, package)
            && files(entry).iter().all(|(path, hash)| actual(input, package, path) == Some(*hash))
    })
}

/// The license files of a clarification, with their stated hashes.
pub(super) fn files(entry: &toml::Value) -> Vec<(&str, i64)> {
    let files = entry.get("license-files").and_then(toml::Value::as_array).into_iter().flatten();
    files
        .filter_map(|file| Some((file.get("path")?.as_str()?, file.get("hash")?.as_integer()?)))
        .collect()
}

/// The current hash of a license file.
pub(super) fn actual(input: &PlanInput<'_>, package: &PackageRef, path: &str) -> Option<i64> {
    let folder = &input.facts.packages.get(package)?.folder;
    Some(license_file(folder, path.into())?.hash.into())
}

/// The expression in the strict syntax of clarifications; `None` if it is invalid.
pub(super) fn strict(expression: &str) -> Option<String> {
    let canonical = Expression::canonicalize(expression).ok()?;
    let canonical = canonical.unwrap_or_else(|| expression.to_owned());
    Expression::parse(&canonical).is_ok().then_some(canonical)
}
