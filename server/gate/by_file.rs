//! The findings of a verdict by file, since editors ask for those of one file at a time.

use std::{collections::HashMap, sync::OnceLock};

use camino::Utf8Path;

use super::Verdict;
use crate::{
    text::FilePath,
    verdict::{Finding, ResolvedDependency},
};

/// What a verdict has in each file, computed when it is first needed. A clone of the verdict may be changed, so it has no index.
#[derive(Debug, Default)]
pub struct ByFile(OnceLock<HashMap<FilePath, InFile>>);

impl Clone for ByFile {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// What a verdict has in one file.
#[derive(Debug, Default)]
struct InFile {
    /// The indexes of the findings with a location there, ascending.
    findings: Vec<usize>,
    /// The indexes of the dependencies there, ascending.
    declared: Vec<usize>,
}

impl Verdict {
    /// The findings with a location in `file`, with their indexes, in the order of the verdict.
    pub(crate) fn findings_in(&self, file: &Utf8Path) -> impl Iterator<Item = (usize, &Finding)> {
        let here = self.in_file(file).into_iter().flat_map(|here| &here.findings);
        here.map(|index| (*index, &self.findings[*index]))
    }

    /// The dependencies in `file`, in their order.
    pub(crate) fn declared_in(&self, file: &Utf8Path) -> impl Iterator<Item = &ResolvedDependency> {
        let here = self.in_file(file).into_iter().flat_map(|here| &here.declared);
        here.map(|index| &self.declared[*index])
    }

    /// Whether `file` has dependencies of the graph.
    pub(crate) fn declares_in(&self, file: &Utf8Path) -> bool {
        self.in_file(file).is_some_and(|here| !here.declared.is_empty())
    }

    /// The files with locations of findings or dependencies, in no order.
    pub(crate) fn files(&self) -> impl Iterator<Item = FilePath> {
        self.index().keys().cloned()
    }

    fn in_file(&self, file: &Utf8Path) -> Option<&InFile> {
        self.index().get(&FilePath::from(file))
    }

    fn index(&self) -> &HashMap<FilePath, InFile> {
        self.by_file.0.get_or_init(|| {
            let mut files: HashMap<FilePath, InFile> = HashMap::new();
            for (index, finding) in self.findings.iter().enumerate() {
                for location in &finding.locations {
                    let here = files.entry(location.file.clone()).or_default();
                    if here.findings.last() != Some(&index) {
                        here.findings.push(index);
                    }
                }
            }
            for (index, one) in self.declared.iter().enumerate() {
                files.entry(one.file.clone()).or_default().declared.push(index);
            }
            files
        })
    }
}
