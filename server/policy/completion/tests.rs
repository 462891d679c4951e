//! Tests that complete at `$0` and compare labels and changed texts.

use super::{MAX_SUGGESTIONS, Suggestion, world::World};
use crate::verdict::PackageFacts;

fn items(marked: &str) -> (String, Vec<Suggestion>) {
    let offset = marked.find("$0").expect("a mark");
    let text = marked.replacen("$0", "", 1);
    let completions = World::new().complete(&text, offset);
    for item in &completions.items {
        assert!(item.span.start <= offset && offset <= item.span.end, "{item:?}");
        assert!(!text[item.span.clone()].contains('\n'), "{item:?}");
    }
    (text, completions.items)
}

/// The first labels; those without effect in parentheses.
fn labels(marked: &str) -> Vec<String> {
    let (_, items) = items(marked);
    let label = |item: &Suggestion| {
        if item.is_unused() { format!("({})", item.label) } else { item.label.clone() }
    };
    items.iter().take(8).map(label).collect()
}

/// The text after accepting an item.
fn accepted(marked: &str, label: &str) -> String {
    let (mut text, items) = items(marked);
    let item = items.iter().find(|item| item.label == label);
    let Some(item) = item else {
        let labels: Vec<_> = items.iter().map(|item| &item.label).collect();
        panic!("no `{label}` among {labels:?}")
    };
    text.replace_range(item.span.clone(), &item.snippet.plain());
    text
}

fn snippet(marked: &str, label: &str) -> String {
    let (_, items) = items(marked);
    items.iter().find(|item| item.label == label).expect("the item").snippet.lsp_snippet()
}

#[test]
fn missing_tables_are_suggested() {
    assert_eq!(
        labels("[bans]\n\n[graph]\n\n$0"),
        [
            "targets",
            "exclude",
            "all-features",
            "no-default-features",
            "features",
            "exclude-dev",
            "exclude-unpublished",
            "[output]"
        ]
    );
    assert_eq!(
        accepted("[bans]\n[[bans.de$0", "[[bans.deny]]"),
        "[bans]\n[[bans.deny]]\ncrate = \"\""
    );
    assert_eq!(accepted("[li$0]\n", "[licenses]"), "[licenses]\n\n");
    assert_eq!(accepted("[licenses.p$0", "[licenses.private]"), "[licenses.private]\n");
    assert_eq!(labels("[[sources$0]]\n"), [""; 0]);
    let dotted = labels("[licenses]\nprivate.ignore = true\n[licenses.p$0]\n");
    assert!(!dotted.contains(&"[licenses.private]".to_owned()), "{dotted:?}");
    assert_eq!(
        snippet("[[licenses.cl$0]]", "[[licenses.clarify]]"),
        "[[licenses.clarify]]\ncrate = \"$1\"\nexpression = \"${2:LicenseRef-TODO}\"\nlicense-files = [$0]"
    );
    // A header would change the table of the statements below it.
    assert!(
        !labels("[bans]\n$0\nwildcards = \"deny\"\n").iter().any(|label| label.starts_with('['))
    );
}

#[test]
fn keys_have_default_values() {
    assert_eq!(accepted("[bans]\nwild$0\n", "wildcards"), "[bans]\nwildcards = \"allow\"\n");
    assert_eq!(
        snippet("[bans]\nwild$0\n", "wildcards"),
        "wildcards = ${1|\"allow\",\"warn\",\"deny\"|}"
    );
    assert_eq!(snippet("[licenses]\n$0", "include-build"), "include-build = ${1|true,false|}");
    assert_eq!(snippet("[licenses]\n$0", "allow"), "allow = [$0]");
    assert_eq!(
        accepted("[sources]\n$0", "allow-registry"),
        "[sources]\nallow-registry = [\"https://github.com/rust-lang/crates.io-index\"]"
    );
    assert_eq!(
        accepted("[bans]\nbuild.exec$0\n", "executables"),
        "[bans]\nbuild.executables = \"deny\"\n"
    );
    assert_eq!(
        accepted("bans.multiple-versions-$0", "multiple-versions-include-dev"),
        "bans.multiple-versions-include-dev = false"
    );
    assert_eq!(labels("[bans]\nwildcards = \"deny\"\nwildc$0\n"), ["allow-wildcard-paths"]);
    // The table is defined by its header.
    assert!(labels("[bans]\nbuild.$0\n[bans.build]\n").is_empty());
    // Only keys that accept the existing value.
    assert_eq!(labels("[advisories]\nun$0 = \"transitive\"\n"), ["unmaintained", "unsound"]);
    assert_eq!(
        accepted("[advisories]\ny$0 = \"deny\"\n", "yanked"),
        "[advisories]\nyanked = \"deny\"\n"
    );
    // Moved keys are not suggested.
    assert!(labels("targ$0").is_empty());
}

#[test]
fn keys_of_entries_depend_on_the_existing_keys() {
    assert_eq!(labels("[bans]\nskip = [{ $0 }]"), ["crate", "name"]);
    assert_eq!(labels("[bans]\nskip = [{ crate = \"a\", $0 }]"), ["reason"]);
    assert_eq!(labels("[bans]\nskip = [{ name = \"a\", $0 }]"), ["version", "reason"]);
    assert_eq!(labels("[advisories]\nignore = [{ $0 }]"), ["id", "crate", "name"]);
    assert_eq!(labels("[advisories]\nignore = [{ id = \"a\", $0 }]"), ["reason"]);
    assert_eq!(
        labels("[[bans.deny]]\ncrate = \"a\"\nwrappers = [\"b\"]\n$0\n[licenses]"),
        [
            "use-instead",
            "reason",
            "[graph]",
            "[output]",
            "[advisories]",
            "[[licenses.exceptions]]",
            "[[licenses.clarify]]",
            "[licenses.private]"
        ]
    );
    assert_eq!(
        accepted("[bans]\nskip = [{ crate = \"a\" $0 }]", "reason"),
        "[bans]\nskip = [{ crate = \"a\" , reason = \"\" }]"
    );
}

#[test]
fn values_keep_existing_quotes() {
    let values = ["allow", "warn", "deny"];
    assert_eq!(labels("[bans]\nwildcards = $0"), values);
    assert_eq!(accepted("[bans]\nwildcards = $0", "deny"), "[bans]\nwildcards = \"deny\"");
    assert_eq!(accepted("[bans]\nwildcards = de$0", "deny"), "[bans]\nwildcards = \"deny\"");
    assert_eq!(accepted("[bans]\nwildcards = \"de$0\"", "deny"), "[bans]\nwildcards = \"deny\"");
    assert_eq!(accepted("[bans]\nwildcards = 'de$0'", "deny"), "[bans]\nwildcards = 'deny'");
    assert_eq!(
        accepted("[bans]\nwildcards = \"de$0\nskip = []", "deny"),
        "[bans]\nwildcards = \"deny\"\nskip = []"
    );
    assert_eq!(
        accepted("[licenses]\ninclude-dev = \"t$0\"", "true"),
        "[licenses]\ninclude-dev = true"
    );
    assert_eq!(
        accepted("[licenses]\nconfidence-threshold = $0", "0.8"),
        "[licenses]\nconfidence-threshold = 0.8"
    );
    assert!(labels("[bans]\nwildcards = [\"$0\"]").is_empty());
}

#[test]
fn licenses_of_the_graph_come_first() {
    assert_eq!(
        labels("[licenses]\nallow = [\"MIT\", \"$0\"]")[..3],
        ["Apache-2.0 WITH LLVM-exception", "GPL-3.0-only", "(0BSD)"]
    );
    assert_eq!(
        accepted("[licenses]\nallow = [\n    \"MIT\",\n    GPL$0\n]", "GPL-3.0-only"),
        "[licenses]\nallow = [\n    \"MIT\",\n    \"GPL-3.0-only\"\n]"
    );
    assert_eq!(
        accepted("[licenses]\nallow = [\"MIT\" $0]", "GPL-3.0-only"),
        "[licenses]\nallow = [\"MIT\" , \"GPL-3.0-only\"]"
    );
    assert_eq!(
        labels("[licenses]\nallow = [\"Apache-2.0 WITH LL$0\"]")[0],
        "Apache-2.0 WITH LLVM-exception"
    );
    assert_eq!(
        labels("[[licenses.exceptions]]\ncrate = \"gpl@1.0.0\"\nallow = [\"$0\"]\n")[..2],
        ["GPL-3.0-only", "(0BSD)"]
    );
    assert_eq!(
        accepted("licenses.clarify = [{ crate = 'ring', expression = \"MIT AND IS$0\" }]", "ISC"),
        "licenses.clarify = [{ crate = 'ring', expression = \"MIT AND ISC\" }]"
    );
    assert!(labels("licenses.clarify = [{ crate = 'ring', expression = \"MIT $0\" }]").is_empty());
    let (_, items) = items("[licenses]\nallow = [\"$0\"]");
    let mit = items.iter().find(|item| item.label == "MIT").expect("MIT");
    assert_eq!(mit.detail, "6 packages");
    assert_eq!(items.len(), MAX_SUGGESTIONS);
}

#[test]
fn packages_with_findings_come_first() {
    assert_eq!(
        labels("[bans]\nskip = [\"$0\"]")[..4],
        [
            "time@0.1.45",
            "time@0.3.44",
            "{ crate = \"time@0.1.45\", reason }",
            "{ crate = \"time@0.3.44\", reason }",
        ]
    );
    assert_eq!(labels("[bans]\nskip = [\"serde$0\"]")[0], "(serde@1.0.0)");
    assert_eq!(accepted("[bans]\ndeny = [\"ti$0\"]", "time"), "[bans]\ndeny = [\"time\"]");
    assert_eq!(
        accepted("[bans]\nskip = [\"ti$0\"]", "{ crate = \"time@0.1.45\", reason }"),
        "[bans]\nskip = [{ crate = \"time@0.1.45\", reason = \"TODO: why this is acceptable\" }]"
    );
    assert_eq!(
        accepted("[bans]\ndeny = [{ crate = \"time@0$0\" }]", "time@0.1.45"),
        "[bans]\ndeny = [{ crate = \"time@0.1.45\" }]"
    );
    assert_eq!(
        accepted("[bans]\ndeny = [{ crate = \"time:$0\" }]", "time:=0.1.45"),
        "[bans]\ndeny = [{ crate = \"time:=0.1.45\" }]"
    );
    assert_eq!(
        labels("[bans]\ndeny = [{ name = \"time\", version = \"$0\" }]"),
        ["=0.3.44", "0.3.44", "=0.1.45", "0.1.45"]
    );
    assert_eq!(labels("[bans]\ndeny = [{ name = \"ll$0\" }]"), ["llvm"]);
    assert_eq!(labels("[bans]\ndeny = [\"llvm$0\"]")[..2], ["llvm@2.0.0", "llvm"]);
    // cargo-deny rejects a spec in two lists.
    assert!(
        !labels("[bans]\ndeny = [\"time@0.1.45\"]\nskip = [\"time@0$0\"]")
            .contains(&"time@0.1.45".to_owned())
    );
}

#[test]
fn advisories_with_findings_come_first() {
    assert_eq!(
        labels("[advisories]\nignore = [$0]"),
        [
            "RUSTSEC-2026-0009",
            "time@0.1.45",
            "{ crate = \"time@0.1.45\", reason }",
            "{ id = \"RUSTSEC-2026-0009\", reason }",
            "{ id }",
            "(RUSTSEC-2020-0001)",
            "({ crate = \"app@0.1.0\", reason })",
            "({ crate = \"forked@0.5.0-rc.1\", reason })",
        ]
    );
    assert_eq!(
        accepted("[advisories]\nignore = [\"RUST$0\n]", "{ id = \"RUSTSEC-2026-0009\", reason }"),
        "[advisories]\nignore = [{ id = \"RUSTSEC-2026-0009\", reason = \"TODO: why this is acceptable\" }\n]"
    );
    assert_eq!(
        labels("[advisories]\nignore = [{ id = \"$0\" }]"),
        ["RUSTSEC-2026-0009", "(RUSTSEC-2020-0001)"]
    );
}

#[test]
fn sources_targets_and_features_of_the_graph_are_suggested() {
    assert_eq!(labels("[sources]\nallow-git = [\"$0\"]"), ["https://github.com/three/forked"]);
    assert_eq!(labels("[sources.allow-org]\ngithub = [\"$0\"]"), ["three"]);
    assert!(labels("[sources.allow-org]\ngitlab = [\"$0\"]").is_empty());
    assert_eq!(
        labels("[sources]\nallow-registry = [\"$0\"]"),
        ["https://github.com/rust-lang/crates.io-index", "https://registry.example.org/index"]
    );
    assert_eq!(labels("[sources]\nprivate = [\"$0\"]"), ["https://github.com/three"]);
    assert_eq!(
        labels("[licenses.private]\nignore-sources = [\"$0\"]"),
        ["https://registry.example.org/index"]
    );
    assert_eq!(labels("[graph]\ntargets = [\"x86$0\"]")[0], "x86_64-unknown-linux-gnu");
    assert_eq!(labels("[graph]\nfeatures = [$0]"), ["tls"]);
    assert_eq!(
        labels("[[bans.features]]\ncrate = \"serde\"\nallow = [\"$0\"]"),
        ["std", "default", "derive"]
    );
    assert_eq!(
        labels("[[bans.features]]\nname = \"serde\"\ndeny = [\"std\"]\nallow = [\"$0\"]"),
        ["default", "derive"]
    );
    assert!(labels("[[bans.features]]\ncrate = \"serde@2\"\nallow = [\"$0\"]").is_empty());
}

#[test]
fn files_of_packages_are_suggested() {
    assert_eq!(
        accepted(
            "licenses.clarify = [{ crate = 'ring', license-files = [$0] }]",
            "{ path = \"LICENSE\", hash }"
        ),
        "licenses.clarify = [{ crate = 'ring', license-files = [{ path = \"LICENSE\", hash = 0xbd0eed23 }] }]"
    );
    assert_eq!(
        accepted(
            "[[licenses.clarify]]\ncrate = 'ring'\nlicense-files = [{ path = 'LICENSE', hash = $0 }]",
            "0xbd0eed23"
        ),
        "[[licenses.clarify]]\ncrate = 'ring'\nlicense-files = [{ path = 'LICENSE', hash = 0xbd0eed23 }]"
    );
    assert_eq!(
        accepted(
            "[licenses]\nclarify = [$0]",
            "{ crate = \"ring@0.17.9\", expression, license-files }"
        ),
        "[licenses]\nclarify = [{ crate = \"ring@0.17.9\", expression = \"LicenseRef-TODO\", \
         license-files = [{ path = \"LICENSE\", hash = 0xbd0eed23 }] }]"
    );
    assert_eq!(
        accepted("[licenses]\nexceptions = [$0]", "{ crate = \"gpl@1.0.0\", allow }"),
        "[licenses]\nexceptions = [{ crate = \"gpl@1.0.0\", allow = [\"GPL-3.0-only\"] }]"
    );
    let bypass = "[[bans.build.bypass]]\ncrate = 'ring'\n";
    assert_eq!(
        labels(&format!("{bypass}allow = [{{ path = \"$0\" }}]")),
        ["LICENSE", "odd [1]/x", "scripts/build.sh"]
    );
    assert_eq!(
        labels(&format!("{bypass}allow-globs = [\"$0\"]")),
        ["**/*.sh", "odd ?1?/*", "scripts/*"]
    );
}

/// An upper limit with a margin for slow machines and builds without optimization.
const HANG: std::time::Duration = std::time::Duration::from_secs(60);

/// Completes at `$0` of an extreme text; returns the number of items.
fn count_quickly(marked: &str) -> usize {
    let began = std::time::Instant::now();
    let (_, items) = items(marked);
    let took = began.elapsed();
    assert!(took < HANG, "{took:?}");
    items.len()
}

#[test]
fn thousand_packages_are_completed_quickly() {
    let mut world = World::new();
    let like = world.graph.packages[6].clone();
    let finding = world.findings[2].clone();
    for number in 0..1000 {
        let name = format!("zz-{number:04}");
        world.graph.packages.push(PackageFacts { name: name.as_str().into(), ..like.clone() });
        let mut finding = finding.clone();
        finding.packages.truncate(1);
        finding.packages[0].name = name;
        world.findings.push(finding);
    }
    for (text, least) in [
        ("[bans]\nskip = [\"", MAX_SUGGESTIONS),
        ("[licenses]\nallow = [\"", MAX_SUGGESTIONS),
        ("[licenses]\nexceptions = [", 1),
        ("[graph]\nexclude = [", MAX_SUGGESTIONS),
        ("[advisories]\nignore = [", MAX_SUGGESTIONS),
    ] {
        let began = std::time::Instant::now();
        let completions = world.complete(text, text.len());
        let took = began.elapsed();
        // Without optimization, it takes about ten times as long as for a user.
        assert!(took < std::time::Duration::from_millis(500), "{text}: {took:?}");
        assert!(completions.items.len() >= least, "{text}");
    }
}

#[test]
fn extreme_texts_are_completed_quickly() {
    let ids: Vec<String> = (0..5000).map(|id| format!("    \"RUSTSEC-2020-{id:04}\",\n")).collect();
    let ids = ids.concat();
    assert!(count_quickly(&format!("[advisories]\nignore = [\n{ids}    $0\n]\n")) > 0);
    let comments = |count| "# only a comment\n".repeat(count);
    let commented = |text: &str| format!("{text}[bans]\nwildcards = $0\n{text}");
    let entries = |count| "[[bans.deny]]\ncrate = \"x\"\n".repeat(count);
    let denied = |text: &str| format!("{text}[[bans.deny]]\ncrate = \"ti$0\"\n");
    assert!(count_quickly(&commented(&comments(25_000))) > 0);
    assert!(count_quickly(&denied(&entries(35_000))) > 0);
    // A policy beyond the limit is not completed.
    assert_eq!(count_quickly(&commented(&comments(100_000))), 0);
    assert_eq!(count_quickly(&denied(&entries(70_000))), 0);
    let nested = format!("[bans]\nskip = {}{}\nwildcards = $0\n", "[".repeat(200), "]".repeat(200));
    assert_eq!(count_quickly(&nested), 3);
    let braces = format!("[bans]\nskip = {}\nwildcards = $0\n", "{ a = ".repeat(200));
    assert_eq!(count_quickly(&braces), 3);
    count_quickly(&format!("a{}$0", ".a".repeat(100_000)));
    count_quickly(&format!("a = \"{}$0", "x".repeat(2_000_000)));
    count_quickly(&format!("a = [{}$0", "\"".repeat(2_000_000)));
}

#[test]
fn private_registries_and_target_features_are_suggested() {
    assert_eq!(labels("[licenses.private]\nregistries = [\"$0\"]\n"), ["company"]);
    assert!(labels("[licenses.private]\nregistries = [\"company\", \"$0\"]\n").is_empty());
    let features = |triple: &str, typed: &str| {
        labels(&format!(
            "[graph]\ntargets = [{{ triple = \"{triple}\", features = [\"{typed}$0\"] }}]\n"
        ))
    };
    assert_eq!(features("wasm32-unknown-unknown", "sim"), ["simd128", "relaxed-simd"]);
    assert_eq!(features("aarch64-apple-darwin", "ne"), ["neon"]);
    assert_eq!(features("my-own-board", "atom"), ["atomics"]);
}

#[test]
fn scattered_letters_match_from_the_start_of_a_word() {
    let suggested = labels("[advisories]\nya$0\n");
    assert_eq!(suggested, ["yanked", "disable-yank-checking"]);
}
