//! Which packages the entries of a policy speak of, where cargo-deny's diagnostics do not tell.

use cargo_deny::{Krates, cfg::PackageSpec, licenses::cfg::ValidConfig};

use super::{PackageRef, Place, PolicyText, manifests::package_ref};

/// An entry of a policy and the packages that cargo-deny matches with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The name of the package in the entry.
    pub place: Place,
    /// Every version that it speaks of.
    pub packages: Vec<PackageRef>,
}

/// The licence exceptions of the policy itself with the packages that they are for.
pub(super) fn exceptions(
    krates: &Krates,
    config: &ValidConfig,
    policy: &PolicyText,
) -> Vec<Matched> {
    let own = config.exceptions.iter().filter(|one| one.file_id == config.file_id);
    own.map(|one| matched(krates, &one.spec, policy)).collect()
}

fn matched(krates: &Krates, spec: &PackageSpec, policy: &PolicyText) -> Matched {
    let named = krates.krates().filter(|krate| cargo_deny::match_krate(krate, spec));
    let span = spec.name.span.start..spec.name.span.end;
    Matched { place: policy.place(span), packages: named.map(package_ref).collect() }
}
