//! What an editor shows of the comparison with a base: the marks of findings, and a sentence.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::settings::Settings;
use crate::{
    compare::{BaseRequest, Comparison, Group},
    gate::Verdict,
    text::FilePath,
    verdict::Counts,
};

/// What the user has chosen to compare with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum BaseChoice {
    /// What the settings say.
    #[default]
    OfSettings,
    /// The command has turned the comparison off.
    Off,
    /// The command has named a base.
    Named(BaseRequest),
}

impl BaseChoice {
    /// What to compare with, if anything.
    pub(super) fn request(&self, settings: &Settings) -> Option<BaseRequest> {
        match self {
            Self::Off => None,
            Self::Named(request) => Some(request.clone()),
            Self::OfSettings => {
                let revision = Some(settings.base.clone()).filter(|base| !base.is_empty())?;
                Some(BaseRequest { revision, merge_base: settings.merge_base })
            }
        }
    }
}

/// The comparison of a shown verdict with its base.
#[derive(Debug)]
pub(super) struct ShownComparison {
    /// The base, as the user has named it.
    pub(super) name: String,
    pub(super) comparison: Comparison,
    /// The numbers of errors and warnings.
    pub(super) counts: BTreeMap<Group, Counts>,
    /// How many are new, hidden and fixed.
    pub(super) text: String,
    /// The new findings by file and id, with how often each occurs. Not sorted: to order paths takes longer than the comparison.
    new: HashMap<(FilePath, String), usize>,
}

impl ShownComparison {
    pub(super) fn of(verdict: &Verdict, comparison: Comparison, name: &str) -> Self {
        let text = comparison.short_text(verdict, name);
        let mut new = HashMap::new();
        let findings = verdict.findings.iter().zip(&comparison.groups);
        for (finding, _) in findings.filter(|(_, group)| **group == Group::New) {
            let id = finding.id();
            for location in &finding.locations {
                *new.entry((location.file.clone(), id.clone())).or_default() += 1;
            }
        }
        let counts = Group::ALL.map(|group| (group, comparison.counts(verdict, group)));
        Self { name: name.to_owned(), comparison, counts: counts.into(), text, new }
    }

    /// The group of a finding of the verdict, by its index.
    pub(super) fn group(&self, finding: usize) -> Option<Group> {
        self.comparison.groups.get(finding).copied()
    }

    /// The files in which the groups of findings differ, if both are comparisons.
    pub(super) fn differing_files(
        before: Option<&Self>,
        after: Option<&Self>,
    ) -> BTreeSet<FilePath> {
        let mut files = BTreeSet::new();
        for (one, other) in [(before, after), (after, before)] {
            let Some(one) = one else { continue };
            let known = |key: &(FilePath, String), count: usize| {
                other.is_some_and(|other| other.new.get(key) == Some(&count))
            };
            let differing = one.new.iter().filter(|(key, count)| !known(key, **count));
            files.extend(differing.map(|((file, _), _)| file.clone()));
            let entries = one.comparison.loosened.iter();
            let entries = entries.filter_map(|hidden| hidden.change.entry.as_ref());
            files.extend(entries.map(|entry| entry.file.clone()));
        }
        files
    }
}
