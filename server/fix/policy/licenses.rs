//! What the policy says of licenses: whether an expression is satisfied, and what is wanting.

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

/// What is permitted for one package.
pub(super) struct AllowedLicenses {
    allowed: Vec<Licensee>,
    /// The first exception for the package: cargo-deny looks at no other.
    pub(super) exception: Option<usize>,
    excepted: Vec<Licensee>,
    /// What exceptions for other packages permit.
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

    /// The fewest licenses that satisfy an expression together with what is permitted; none where it
    /// is satisfied already, `None` where cargo-deny would not read one of them.
    ///
    /// Of as few, those that are no copyleft, then those that the OSI approves, then those that an
    /// exception for another package names, then those that stand first.
    pub(super) fn missing_licenses(&self, expression: &Expression) -> Option<Vec<String>> {
        let mut stack: Vec<Vec<MissingLicense>> = Vec::new();
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
        Some(stack.pop()?.into_iter().map(|missing_license| missing_license.text).collect())
    }

    fn satisfies(&self, requirement: &LicenseReq) -> bool {
        let mut all = self.excepted.iter().chain(&self.allowed);
        all.any(|licensee| licensee.satisfies(requirement))
    }

    fn missing_license(&self, requirement: &LicenseReq, at: usize) -> Option<MissingLicense> {
        let mut plain = requirement.clone();
        if let LicenseItem::Spdx { or_later, .. } = &mut plain.license {
            *or_later = false;
        }
        let text = plain.to_string();
        let licensee = Licensee::parse_mode(&text, POLICY_PARSE_MODE).ok()?;
        let id = plain.license.id();
        Some(MissingLicense {
            copyleft: id.is_none_or(spdx::LicenseId::is_copyleft),
            unapproved: !id.is_some_and(spdx::LicenseId::is_osi_approved),
            unknown: !self.other_exceptions.contains(&licensee),
            text,
            at,
        })
    }
}

/// A license that is wanting, and what speaks against taking it.
struct MissingLicense {
    text: String,
    copyleft: bool,
    unapproved: bool,
    unknown: bool,
    at: usize,
}

fn cost(missing_license: &[MissingLicense]) -> (usize, usize, usize, usize, usize) {
    let count =
        |what: fn(&MissingLicense) -> bool| missing_license.iter().filter(|one| what(one)).count();
    (
        missing_license.len(),
        count(|one| one.copyleft),
        count(|one| one.unapproved),
        count(|one| one.unknown),
        missing_license.iter().map(|one| one.at).min().unwrap_or_default(),
    )
}

/// The expression that a package is judged by: its clarification, its manifest, its texts.
pub(super) fn expression(input: &PlanInput<'_>, package: &PackageRef) -> Option<Expression> {
    if let Some(index) = clarification(input, package) {
        let stated = input.document.items(&CLARIFY).get(index)?.get("expression")?.as_str()?;
        return Expression::parse(stated).ok();
    }
    declared_or_recognized(input.facts.packages.get(package)?)
}

/// The expression of a package's manifest, else that which its texts tell.
pub(super) fn declared_or_recognized(folder: &PackageFolder) -> Option<Expression> {
    if let Some(stated) = folder.license.as_deref().and_then(parse_license_field) {
        return Some(stated);
    }
    let told = recognized(&license_files(folder));
    let ids = told.iter().filter_map(|told| match told {
        Recognized::One(id) | Recognized::Perhaps(id) => Some(*id),
        _ => None,
    });
    Expression::parse_mode(&ids.collect::<Vec<_>>().join(" AND "), POLICY_PARSE_MODE).ok()
}

/// The clarification that holds for a package.
pub(super) fn clarification(input: &PlanInput<'_>, package: &PackageRef) -> Option<usize> {
    let clarify = input.document.items(&CLARIFY);
    clarify.iter().position(|entry| {
        spec::matches(entry, package)
            && files(entry).iter().all(|(path, hash)| actual(input, package, path) == Some(*hash))
    })
}

/// The files that a clarification names, with the hashes that it states.
pub(super) fn files(entry: &toml::Value) -> Vec<(&str, i64)> {
    let files = entry.get("license-files").and_then(toml::Value::as_array).into_iter().flatten();
    files
        .filter_map(|file| Some((file.get("path")?.as_str()?, file.get("hash")?.as_integer()?)))
        .collect()
}

/// The hash of a license text as it is.
pub(super) fn actual(input: &PlanInput<'_>, package: &PackageRef, path: &str) -> Option<i64> {
    let folder = &input.facts.packages.get(package)?.folder;
    Some(license_file(folder, path.into())?.hash.into())
}

/// As cargo-deny takes it in a clarification: strictly spelled.
pub(super) fn strict(expression: &str) -> Option<String> {
    let canonical = Expression::canonicalize(expression).ok()?;
    let canonical = canonical.unwrap_or_else(|| expression.to_owned());
    Expression::parse(&canonical).is_ok().then_some(canonical)
}
