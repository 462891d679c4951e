//! The report of the same run in SARIF: exactly the findings of `--format json`, each with a fingerprint of its own.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// Compares both outputs.
///
/// # Errors
///
/// When they have other findings, or two results have one fingerprint.
pub(crate) fn compare(json: &str, sarif: &str) -> Result<()> {
    let mut findings: BTreeMap<String, i64> = BTreeMap::new();
    for line in json.lines() {
        let record: Value = serde_json::from_str(line).context("a record")?;
        if record["type"] == "finding" {
            let code = ["advisory", "code", "check"].map(|name| record[name].as_str());
            let code = code.into_iter().flatten().next().unwrap_or_default();
            let severity = record["severity"].as_str().unwrap_or_default();
            let at = &record["location"]["start"];
            *findings.entry(described(code, severity, at["line"].as_i64())).or_default() += 1;
        }
    }
    let log: Value = serde_json::from_str(sarif).context("the report in SARIF")?;
    let mut fingerprints = BTreeSet::new();
    for result in log["runs"][0]["results"].as_array().context("results")? {
        let code = result["ruleId"].as_str().context("a rule")?;
        let severity = match result["level"].as_str() {
            Some("none") => "help",
            level => level.unwrap_or("warning"),
        };
        let region = &result["locations"][0]["physicalLocation"]["region"];
        let described = described(code, severity, region["startLine"].as_i64());
        *findings.entry(described.clone()).or_default() -= 1;
        let all = result["partialFingerprints"].as_object().context("fingerprints")?;
        for fingerprint in all.values() {
            if !fingerprints.insert(fingerprint.to_string()) {
                bail!("two results in SARIF have the fingerprint of {described}");
            }
        }
    }
    findings.retain(|_, difference| *difference != 0);
    match findings.first_key_value() {
        None => Ok(()),
        Some((finding, count)) => bail!("SARIF has {count} results less for {finding}"),
    }
}

/// A location in an empty file has no region.
fn described(code: &str, severity: &str, line: Option<i64>) -> String {
    format!("{severity} {code} in line {}", line.unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINDING: &str = r#"{"type":"finding","check":"bans","code":"banned","advisory":null,"severity":"error","location":{"start":{"line":3}}}"#;

    fn sarif(results: &[&str]) -> String {
        format!(r#"{{"runs":[{{"results":[{}]}}]}}"#, results.join(","))
    }

    fn result(fingerprint: &str) -> String {
        format!(
            r#"{{"ruleId":"banned","level":"error","partialFingerprints":{{"a":"{fingerprint}"}},"locations":[{{"physicalLocation":{{"region":{{"startLine":3}}}}}}]}}"#
        )
    }

    #[test]
    fn findings_have_to_be_the_same_and_fingerprints_unique() {
        let one = result("x");
        assert!(compare(FINDING, &sarif(&[&one])).is_ok());
        assert!(compare(FINDING, &sarif(&[])).is_err());
        assert!(compare("", &sarif(&[&one])).is_err());
        let twice = format!("{FINDING}\n{FINDING}");
        assert!(compare(&twice, &sarif(&[&one, &one])).is_err());
        assert!(compare(&twice, &sarif(&[&one, &result("y")])).is_ok());
        let elsewhere = one.replace("\"startLine\":3", "\"startLine\":4");
        assert!(compare(FINDING, &sarif(&[&elsewhere])).is_err());
    }
}
