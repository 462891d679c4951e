//! Pull requests of every kind, each from the same repository, and what a comparison says of them.

use super::{commit, depend, differences, lock_version, repository, update_lock};
use crate::harness::{Report, World};

/// A pull request: its name, its changes, and what the comparison says.
type PullRequest = (&'static str, fn(&World), &'static [&'static str]);

const PULL_REQUESTS: &[PullRequest] = &[
    ("nothing", |_| {}, &[]),
    (
        "comments above everything",
        |world| {
            for file in ["Cargo.toml", "m/Cargo.toml", "n/Cargo.toml", "deny.toml"] {
                world.write(file, format!("{}{}", "# more\n".repeat(10), world.read(file)));
            }
        },
        &[],
    ),
    (
        "line ends",
        |world| {
            for file in ["Cargo.toml", "m/Cargo.toml", "n/Cargo.toml", "deny.toml"] {
                world.write(file, world.read(file).replace('\n', "\r\n"));
            }
        },
        &[],
    ),
    (
        "policy formatted in another way",
        |world| {
            world.edit(
                "deny.toml",
                "[licenses]\nallow = [\"MIT\"]",
                "[licenses]\nallow = [\n  \"MIT\",\n]",
            );
            world.edit(
                "deny.toml",
                "deny = [{ crate = \"banned\" }]",
                "[[bans.deny]]\ncrate = \"banned\"",
            );
        },
        &[],
    ),
    (
        "banned dependency",
        |world| {
            depend(world, "m", "banned = \"1\"");
            update_lock(world);
        },
        &["new banned banned"],
    ),
    (
        "unmaintained dependency",
        |world| {
            depend(world, "n", "old = \"1\"");
            update_lock(world);
        },
        &["new unmaintained old"],
    ),
    (
        "dependency that nothing is wrong with",
        |world| {
            depend(world, "n", "fine = \"1\"");
            update_lock(world);
        },
        &[],
    ),
    (
        "rejected dependency goes and another one comes",
        |world| {
            world.edit("n/Cargo.toml", "gpl = \"1\"", "mpl = \"1\"");
            update_lock(world);
        },
        &["fixed rejected gpl", "new rejected mpl"],
    ),
    (
        "rejected dependency goes",
        |world| {
            world.edit("n/Cargo.toml", "gpl = \"1\"\n", "");
            update_lock(world);
        },
        &["fixed rejected gpl"],
    ),
    (
        "dependency moves to the other member",
        |world| {
            world.edit("n/Cargo.toml", "gpl = \"1\"\n", "");
            depend(world, "m", "gpl = \"1\"");
            update_lock(world);
        },
        &[],
    ),
    (
        "dependency becomes one of the workspace",
        |world| {
            world.edit("n/Cargo.toml", "gpl = \"1\"", "gpl.workspace = true");
            let text = world.read("Cargo.toml");
            world.write("Cargo.toml", text + "\n[workspace.dependencies]\ngpl = \"1\"\n");
        },
        &[],
    ),
    (
        "dependency gets another name",
        |world| {
            world.edit("n/Cargo.toml", "gpl = \"1\"", "g = { package = \"gpl\", version = \"1\" }");
        },
        &[],
    ),
    (
        "dependency becomes one for development",
        |world| {
            world.edit("n/Cargo.toml", "[dependencies]", "[dev-dependencies]");
        },
        &["fixed rejected gpl"],
    ),
    (
        "dependency becomes one of a target",
        |world| {
            world.edit("n/Cargo.toml", "[dependencies]", "[target.'cfg(unix)'.dependencies]");
        },
        &[],
    ),
    (
        "member moves",
        |world| {
            world.git("", &["mv", "n", "moved"]);
            world.edit("Cargo.toml", "\"n\"", "\"moved\"");
        },
        &[],
    ),
    (
        "member goes",
        |world| {
            world.git("", &["rm", "-r", "--quiet", "n"]);
            world.edit("Cargo.toml", ", \"n\"", "");
            update_lock(world);
        },
        &["fixed rejected gpl"],
    ),
    (
        "another member with the same dependency",
        |world| {
            world.write(
                "o/Cargo.toml",
                world.read("n/Cargo.toml").replace("name = \"n\"", "name = \"o\""),
            );
            world.write("o/src/lib.rs", "");
            world.edit("Cargo.toml", "\"n\"", "\"n\", \"o\"");
            update_lock(world);
        },
        &[],
    ),
    (
        "member without a license",
        |world| {
            world.edit("n/Cargo.toml", "license = \"MIT\"\n", "");
        },
        &["new no-license-field n", "new unlicensed n", "new unlicensed n"],
    ),
    ("parent in another version", |world| lock_version(world, "parent", "1.1.0", "1.0.0"), &[]),
    (
        "vulnerable package in another version",
        |world| lock_version(world, "bad", "1.0.0", "1.0.1"),
        &[],
    ),
    (
        "rejected package in another version",
        |world| lock_version(world, "gpl", "1.1.0", "1.0.0"),
        &[],
    ),
    (
        "vulnerable package is required directly",
        |world| {
            depend(world, "n", "bad = \"1\"");
            update_lock(world);
        },
        &[],
    ),
    (
        "fixed version comes beside the vulnerable one",
        |world| {
            depend(world, "n", "bad = \"2\"");
            update_lock(world);
        },
        &["new duplicate bad"],
    ),
    (
        "vulnerable package goes",
        |world| {
            world.edit("m/Cargo.toml", "parent = \"1\"\n", "");
            update_lock(world);
        },
        &["fixed vulnerability bad"],
    ),
    (
        "third version of a duplicate",
        |world| {
            depend(world, "m", "uses-dup-3 = \"1\"");
            update_lock(world);
        },
        &["new duplicate dup"],
    ),
    (
        "other versions of a duplicate",
        |world| {
            world.edit("m/Cargo.toml", "uses-dup-2", "uses-dup-3");
            update_lock(world);
        },
        &[],
    ),
    (
        "duplicate goes",
        |world| {
            world.edit("m/Cargo.toml", "dup = \"1\"\n", "");
            update_lock(world);
        },
        &["fixed duplicate dup"],
    ),
    (
        "advisory is ignored",
        |world| {
            world.edit("deny.toml", "ignore = []", "ignore = [\"RUSTSEC-2026-0001\"]");
        },
        &["policy-loosened vulnerability bad"],
    ),
    (
        "vulnerable package is ignored",
        |world| {
            world.edit(
                "deny.toml",
                "ignore = []",
                "ignore = [{ crate = \"bad\", reason = \"x\" }]",
            );
        },
        &["new yanked-not-detected "],
    ),
    (
        "license is allowed",
        |world| {
            world.edit("deny.toml", "\"MIT\"]", "\"MIT\", \"GPL-3.0-only\"]");
        },
        &["policy-loosened rejected gpl"],
    ),
    (
        "license is allowed for one crate",
        |world| {
            world.edit(
                "deny.toml",
                "allow = [\"MIT\"]",
                "allow = [\"MIT\"]\nexceptions = [{ crate = \"gpl\", allow = [\"GPL-3.0-only\"] }]",
            );
        },
        &["policy-loosened rejected gpl"],
    ),
    (
        "exceptions file is added",
        |world| {
            let text = "[[exceptions]]\ncrate = \"gpl\"\nallow = [\"GPL-3.0-only\"]\n";
            world.write("deny.exceptions.toml", text);
        },
        &["policy-loosened rejected gpl"],
    ),
    (
        "duplicates become warnings",
        |world| {
            world.edit("deny.toml", "multiple-versions = \"deny\"", "multiple-versions = \"warn\"");
        },
        &["policy-loosened duplicate dup"],
    ),
    (
        "duplicates are allowed",
        |world| {
            world.edit(
                "deny.toml",
                "multiple-versions = \"deny\"",
                "multiple-versions = \"allow\"",
            );
        },
        &["policy-loosened duplicate dup"],
    ),
    (
        "duplicate is skipped",
        |world| {
            world.edit("deny.toml", "[bans]", "[bans]\nskip = [\"dup@1.0.0\"]");
        },
        &["policy-loosened duplicate dup"],
    ),
    (
        "tree is skipped",
        |world| {
            world.edit("deny.toml", "[bans]", "[bans]\nskip-tree = [\"uses-dup-2\"]");
        },
        &["policy-loosened duplicate dup"],
    ),
    (
        "banned dependency with its ban removed",
        |world| {
            depend(world, "m", "banned = \"1\"");
            update_lock(world);
            world.edit("deny.toml", "deny = [{ crate = \"banned\" }]\n", "");
        },
        &["policy-loosened banned banned"],
    ),
    (
        "package is excluded from the graph",
        |world| {
            world.write(
                "deny.toml",
                format!("[graph]\nexclude = [\"gpl\"]\n\n{}", world.read("deny.toml")),
            );
        },
        &["policy-loosened rejected gpl"],
    ),
    (
        "package is banned that was there",
        |world| {
            world.edit(
                "deny.toml",
                "{ crate = \"banned\" }",
                "{ crate = \"banned\" }, { crate = \"parent\" }",
            );
        },
        &["new banned parent"],
    ),
    (
        "license is no longer allowed",
        |world| {
            world.edit("deny.toml", "allow = [\"MIT\"]", "allow = []");
        },
        &[
            "new rejected bad",
            "new rejected dup",
            "new rejected dup",
            "new rejected m",
            "new rejected n",
            "new rejected parent",
            "new rejected uses-dup-2",
        ],
    ),
    (
        "policy moves",
        |world| {
            world.write(".cargo/deny.toml", world.read("deny.toml"));
            world.git("", &["rm", "--quiet", "deny.toml"]);
        },
        &[],
    ),
    (
        "entry that matches nothing",
        |world| {
            world.edit("deny.toml", "\"MIT\"]", "\"MIT\", \"Zlib\"]");
        },
        &["new license-not-encountered "],
    ),
    ("lockfile goes", |world| world.git("", &["rm", "--quiet", "Cargo.lock"]).clear(), &[]),
    (
        "sources only",
        |world| {
            world.write("m/src/lib.rs", "pub fn f() {}\n");
            world.write("m/src/main.rs", "fn main() {}\n");
        },
        &[],
    ),
    (
        "package gets another version",
        |world| {
            world.edit("m/Cargo.toml", "version = \"0.1.0\"", "version = \"0.2.0\"");
            update_lock(world);
        },
        &[],
    ),
    (
        "optional dependency that no feature enables",
        |world| {
            depend(world, "m", "banned = { version = \"1\", optional = true }");
            update_lock(world);
        },
        &[],
    ),
    (
        "optional dependency that a default feature enables",
        |world| {
            depend(world, "m", "banned = { version = \"1\", optional = true }");
            let text = world.read("m/Cargo.toml");
            world.write("m/Cargo.toml", text + "\n[features]\ndefault = [\"dep:banned\"]\n");
            update_lock(world);
        },
        &["new banned banned"],
    ),
    (
        "all features are checked",
        |world| {
            depend(world, "m", "banned = { version = \"1\", optional = true }");
            update_lock(world);
            let policy = world.read("deny.toml");
            world.write("deny.toml", format!("[graph]\nall-features = true\n\n{policy}"));
        },
        &["new banned banned"],
    ),
    (
        "members are not published",
        |world| {
            for member in ["m", "n"] {
                let file = format!("{member}/Cargo.toml");
                world.edit(&file, "edition", "publish = false\nedition");
            }
        },
        &[],
    ),
    (
        "package of a member is renamed",
        |world| {
            world.edit("n/Cargo.toml", "name = \"n\"", "name = \"another\"");
            update_lock(world);
        },
        &[],
    ),
    (
        "dependency becomes one for building",
        |world| {
            world.edit("n/Cargo.toml", "[dependencies]", "[build-dependencies]");
            world.write("n/build.rs", "fn main() {}");
        },
        &[],
    ),
    (
        "exact requirement of another version",
        |world| {
            world.edit("n/Cargo.toml", "gpl = \"1\"", "gpl = \"=1.0.0\"");
            lock_version(world, "gpl", "1.1.0", "1.0.0");
        },
        &[],
    ),
    (
        "license of a member changes",
        |world| world.edit("n/Cargo.toml", "license = \"MIT\"", "license = \"GPL-3.0-only\""),
        &["new rejected n"],
    ),
    (
        "banned dependency of a wrapper",
        |world| {
            depend(world, "m", "banned = \"1\"");
            update_lock(world);
            world.edit(
                "deny.toml",
                "{ crate = \"banned\" }",
                "{ crate = \"banned\", wrappers = [\"m\"] }",
            );
        },
        &["policy-loosened banned banned"],
    ),
    (
        "unmaintained dependency while such are no longer reported",
        |world| {
            depend(world, "n", "old = \"1\"");
            update_lock(world);
            world.edit("deny.toml", "ignore = []", "ignore = []\nunmaintained = \"none\"");
        },
        &["policy-loosened unmaintained old"],
    ),
    (
        "dependency of a platform that is no longer checked",
        |world| {
            world.edit("n/Cargo.toml", "[dependencies]", "[target.'cfg(unix)'.dependencies]");
            let policy = world.read("deny.toml");
            let graph = "[graph]\ntargets = [\"x86_64-pc-windows-msvc\"]\n\n";
            world.write("deny.toml", format!("{graph}{policy}"));
        },
        &["policy-loosened rejected gpl"],
    ),
    (
        "two new findings",
        |world| {
            depend(world, "m", "banned = \"1\"");
            depend(world, "n", "old = \"1\"");
            update_lock(world);
        },
        &["new banned banned", "new unmaintained old"],
    ),
    (
        "version of a duplicate is required elsewhere, too",
        |world| {
            depend(world, "n", "dup = \"2\"");
            update_lock(world);
        },
        &[],
    ),
    (
        "wildcard that is now denied",
        |world| {
            world.edit("n/Cargo.toml", "gpl = \"1\"", "gpl = \"*\"");
            world.edit("deny.toml", "[bans]", "[bans]\nwildcards = \"deny\"");
        },
        &["new wildcard n"],
    ),
    (
        "new finding and an excuse for an old one",
        |world| {
            depend(world, "m", "banned = \"1\"");
            update_lock(world);
            world.edit("deny.toml", "\"MIT\"]", "\"MIT\", \"GPL-3.0-only\"]");
        },
        &["new banned banned", "policy-loosened rejected gpl"],
    ),
];

/// Runs in parts, so that they run beside each other.
fn go_through(part: usize, parts: usize) {
    let world = repository();
    let plain = world.check("");
    assert_eq!(plain.code, 7, "{}", plain.shown());
    let requests = PULL_REQUESTS.iter().skip(part).step_by(parts);
    let mut wrong = Vec::new();
    for (number, (name, change, expected)) in requests.enumerate() {
        change(&world);
        let report = world.check("--base main");
        let differences = differences(&report);
        if differences != *expected {
            wrong.push(format!(
                "{name}: {differences:?} instead of {expected:?}\n{}",
                report.stderr
            ));
        }
        // The checkout has what a check without a base reports.
        let plain = world.check("");
        let now = |report: &Report| {
            let findings = report.findings.iter();
            let now = findings
                .filter(|one| !matches!(one.group.as_deref(), Some("fixed" | "policy-loosened")));
            now.map(|finding| finding.message.clone()).collect::<Vec<_>>()
        };
        assert_eq!(now(&report), now(&plain), "{name}");
        // Once it is merged, nothing is new. (Each takes one more resolution.)
        if number % 4 == 0 {
            commit(&world, name);
            let merged = world.check("--base HEAD");
            assert_eq!(super::differences(&merged), [""; 0], "{name}, merged");
            world.git("", &["reset", "--quiet", "--soft", "HEAD~1"]);
        }
        world.git("", &["reset", "--quiet", "--hard"]);
        world.git("", &["clean", "--quiet", "-fdx"]);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pull_requests_have_their_own_findings_only_1() {
    go_through(0, 2);
}

#[test]
fn pull_requests_have_their_own_findings_only_2() {
    go_through(1, 2);
}
