//! Reads a policy: its options for the graph and the databases, and the findings about the policy.

use cargo_deny::{advisories::db::DEFAULT_URL, diag::Files, root_cfg::GraphConfig};
use url::Url;

use super::{
    Check, Code, DatabaseSettings, Finding, GraphOptions, LoadedPolicy, Location, PolicyText, Role,
    Severity, collect::from_config, graph::only_target, message_text::sanitize, own_finding,
    policy::lists,
};
use crate::{limits, resolve::MetadataOptions};

impl PolicyText {
    /// Reads the policy.
    ///
    /// # Errors
    ///
    /// The findings about a policy that cargo-deny rejects.
    pub fn load(&self) -> Result<LoadedPolicy, Vec<Finding>> {
        let mut files = Files::new();
        let id = files.add(self.name(), self.text.as_str());
        let parsed = match self.parse(id, &mut files) {
            Ok(parsed) => parsed,
            Err(finding) => return Err(vec![*finding]),
        };
        let diagnostics = parsed.diagnostics.iter();
        let mut findings: Vec<Finding> =
            diagnostics.map(|diagnostic| from_config(diagnostic, self, id, &files)).collect();
        let (long, left_out) = self.long_lists();
        findings.extend(long);
        let Some(config) = parsed.config else { return Err(findings) };
        let databases = DatabaseSettings {
            root: config.advisories.db_path.clone(),
            urls: {
                let mut urls: Vec<Url> =
                    config.advisories.db_urls.iter().map(|url| url.value.clone()).collect();
                if urls.is_empty() {
                    urls.extend(Url::parse(DEFAULT_URL));
                }
                urls
            },
            maximum_staleness: config.advisories.maximum_db_staleness.value,
            offline: false,
        };
        Ok(LoadedPolicy {
            graph: graph_options(config.graph),
            databases,
            std_replacements: config.bans.std_replacements.is_some(),
            ignored: ignored(self.text.as_str()),
            build_scripts: config.bans.build.is_some(),
            left_out,
            findings,
        })
    }

    /// The findings about lists that are too long, and the checks that they belong to.
    fn long_lists(&self) -> (Vec<Finding>, Vec<Check>) {
        let mut left_out = Vec::new();
        let mut findings = Vec::new();
        let (emptied, long) = lists::without_long(self.text.as_str());
        if emptied.is_empty() && !long.is_empty() {
            left_out.extend(Check::CARGO_DENY);
        }
        for list in long {
            let section = list.path.first().map(String::as_str).unwrap_or_default();
            let check = Check::CARGO_DENY.into_iter().find(|check| check.name() == section);
            left_out.extend(check.map_or(Check::CARGO_DENY.to_vec(), |check| vec![check]));
            let name = sanitize(&list.path.join("."));
            findings.push(long_list(&name, list.count, check, self.location(list.location)));
        }
        let exceptions = self.exceptions.as_ref().and_then(|file| Some((file, file.text()?)));
        if let Some((file, text)) = exceptions {
            for list in lists::long(text.as_str()) {
                left_out.push(Check::Licenses);
                let (file, text, span) = (file.path.clone(), text.clone(), list.location);
                let location =
                    Location { file: file.into(), text, span, role: Role::Primary, via: None };
                let name = sanitize(&list.path.join("."));
                findings.push(long_list(&name, list.count, Some(Check::Licenses), location));
            }
        }
        (findings, left_out)
    }
}

fn long_list(name: &str, count: usize, check: Option<Check>, location: Location) -> Finding {
    let left_out = match check {
        Some(check) => format!("the {} check is not run", check.name()),
        None => "no check is run".to_owned(),
    };
    let limit = limits::LIST_ENTRIES;
    let message = format!("`{name}` has {count} entries, more than {limit}: {left_out}");
    let mut finding = own_finding(Code::OverLimit, Severity::Error, message, vec![location]);
    finding.remedy = Some("remove entries that match nothing".to_owned());
    finding
}

fn graph_options(graph: GraphConfig) -> GraphOptions {
    let targets: Vec<_> = graph
        .targets
        .into_iter()
        .map(|target| (target.filter.value.to_string(), target.features))
        .collect();
    let mut features = graph.features;
    features.sort();
    features.dedup();
    let platform = only_target(&targets);
    GraphOptions {
        metadata: MetadataOptions {
            no_default_features: graph.no_default_features,
            all_features: graph.all_features,
            features,
            platform,
            file: None,
        },
        targets,
        exclude: graph.exclude,
        exclude_dev: graph.exclude_dev,
        exclude_unpublished: graph.exclude_unpublished,
        workspace: false,
    }
}

/// The ids in `advisories.ignore`, each a string or a table. cargo-deny does not expose them.
fn ignored(policy: &str) -> Vec<String> {
    let Ok(policy) = policy.parse::<toml::Table>() else { return Vec::new() };
    let entries = policy.get("advisories").and_then(|section| section.get("ignore"));
    let entries = entries.and_then(toml::Value::as_array).into_iter().flatten();
    let ids = entries.filter_map(|entry| entry.as_str().or_else(|| entry.get("id")?.as_str()));
    ids.map(str::to_owned).collect()
}
