//! Dependency graphs that a client shows: what they are about, their addresses, and their content.

use camino::Utf8Path;
use serde::Serialize;
use tokio::sync::oneshot;
use tower_lsp::ls_types::{Location as LspLocation, TextDocumentPositionParams, Uri};

use super::{
    convert::{path_of, uri_of},
    event::Event,
    navigation::{at_position, current_text},
    publish,
    session::{Session, SessionState},
};
use crate::{
    gate::Verdict,
    ide::why::{NamedPackage, declared, subject},
    report::why_graph::{fragment, tree},
    verdict::{DependencyGraph, Dependents, PackageRef, sanitize},
    workspace::Workspace,
};

/// The scheme of the addresses of graphs. Below the folder of the workspace they have the packages, as cargo names them
/// (`name@version`, or `name` for all versions), separated by commas.
pub(super) const SCHEME: &str = "supercargo-why";

/// The maximum number of packages that an address names.
const MOST_NAMED: usize = 50;

/// The maximum number of packages in a drawing.
const MOST_DRAWN: usize = 40;

/// The maximum number of packages in a tree.
const MOST_IN_TREE: usize = 500;

/// What a graph is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WhySubject {
    pub(super) workspace: Workspace,
    packages: Vec<NamedPackage>,
}

/// A graph as a client shows it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ShownGraph {
    /// Its address: with it, the client can ask again.
    uri: Uri,
    /// The packages, as plain text.
    title: String,
    /// The tree, as plain text.
    pub(super) text: String,
    /// The drawing and the list, as a part of an HTML page.
    html: String,
    /// Where the packages are declared to whose index the links of the drawing lead.
    nodes: Vec<Option<LspLocation>>,
}

impl WhySubject {
    /// Packages of a workspace; `None` without any.
    pub(super) fn of<'p>(
        workspace: &Workspace,
        packages: impl IntoIterator<Item = &'p PackageRef>,
    ) -> Option<Self> {
        let packages = packages.into_iter().map(NamedPackage::from).collect();
        Self::named(workspace, packages)
    }

    fn named(workspace: &Workspace, mut packages: Vec<NamedPackage>) -> Option<Self> {
        packages.truncate(MOST_NAMED);
        (!packages.is_empty()).then(|| Self { workspace: workspace.clone(), packages })
    }

    /// What a position of a file is about.
    pub(super) fn at(state: &SessionState, params: &TextDocumentPositionParams) -> Option<Self> {
        at_position(state, params, |view, file, offset| {
            let (verdict, packages) = subject(view, file, offset)?;
            Self::named(&verdict.workspace, packages)
        })
    }

    /// The packages of a shown finding, or of one that only the changes of the policy hide.
    pub(super) fn of_finding(state: &SessionState, id: &str) -> Option<Self> {
        state.verdicts.iter().find_map(|(workspace, verdict)| {
            let compared = state.comparisons.get(workspace);
            let hidden = compared.into_iter().flat_map(|one| &one.comparison.loosened);
            let all = verdict.findings.iter().chain(hidden.map(|hidden| &hidden.finding));
            let finding = all.into_iter().find(|finding| finding.id() == id)?;
            Self::of(workspace, &finding.packages)
        })
    }

    /// What an address names; `None` if no workspace that is checked is there.
    pub(super) fn of_address(state: &SessionState, address: &Uri) -> Option<Self> {
        let rest = address.as_str().strip_prefix(SCHEME)?.strip_prefix(':')?;
        // Clients may leave out the empty authority.
        let slashes = if rest.starts_with("//") { "" } else { "//" };
        let path = path_of(&format!("file:{slashes}{rest}").parse().ok()?)?;
        let workspace = workspace_in(state, path.parent()?)?;
        let packages = path.file_name()?.split(',').map(|one| match one.split_once('@') {
            Some((name, version)) => {
                NamedPackage { name: name.to_owned(), version: Some(version.to_owned()) }
            }
            None => NamedPackage { name: one.to_owned(), version: None },
        });
        Self::named(&workspace, packages.collect())
    }

    /// Its address.
    pub(super) fn address(&self) -> Option<Uri> {
        let named = self.packages.iter().map(|one| match &one.version {
            Some(version) => format!("{}@{version}", one.name),
            None => one.name.clone(),
        });
        let named: Vec<_> = named.collect();
        let path = format!("{}/{}", self.workspace.folder(), named.join(","));
        let uri = uri_of(Utf8Path::new(&path))?;
        format!("{SCHEME}:{}", uri.as_str().strip_prefix("file:")?).parse().ok()
    }

    /// The names, as a title.
    fn title(&self) -> String {
        let names = self.packages.iter().map(|one| match &one.version {
            Some(version) => format!("{} {version}", one.name),
            None => one.name.clone(),
        });
        sanitize(&names.collect::<Vec<_>>().join(", ")).replace('\n', " ")
    }

    /// The graph as it is shown now. Waits for the checks that the client's edits have caused.
    ///
    /// # Errors
    ///
    /// When there is no dependency graph, or the packages are not in it: a sentence for the user.
    pub(super) async fn shown(self, session: &Session) -> Result<ShownGraph, String> {
        let (reply, graph) = oneshot::channel();
        session.send(Event::GraphRequested(self.workspace.clone(), reply));
        let changed = || "the workspace has changed meanwhile, try again".to_owned();
        let graph = graph.await.map_err(|_| changed())??;
        let drawn = move |state: &SessionState| self.drawn(&graph, state);
        session.compute("drawing a dependency graph", drawn).await.unwrap_or_else(|| Err(changed()))
    }

    fn drawn(&self, graph: &DependencyGraph, state: &SessionState) -> Result<ShownGraph, String> {
        let packages = graph.packages.iter().map(|one| &one.package);
        let is_named = |package: &&PackageRef| self.packages.iter().any(|one| one.names(package));
        let packages: Vec<_> = packages.filter(is_named).cloned().collect();
        let dependents = Dependents::of(graph);
        let (Some(drawn), Some(all), Some(uri)) = (
            dependents.why(&packages, MOST_DRAWN),
            dependents.why(&packages, MOST_IN_TREE),
            self.address(),
        ) else {
            return Err(format!("{} is not in the dependency graph", self.title()));
        };
        let verdict = state.last_complete_verdict(&self.workspace);
        let location = |package: &PackageRef| location_of(package, verdict?, state);
        let nodes: Vec<_> = drawn.nodes.iter().map(|node| location(node.package)).collect();
        let html = fragment(&drawn, &|at| nodes[at].is_some());
        Ok(ShownGraph { uri, title: self.title(), text: tree(&all), html, nodes })
    }
}

/// The checked workspace in a folder.
fn workspace_in(state: &SessionState, folder: &Utf8Path) -> Option<Workspace> {
    state.verdicts.keys().find(|workspace| workspace.folder() == folder).cloned()
}

fn location_of(
    package: &PackageRef,
    verdict: &Verdict,
    state: &SessionState,
) -> Option<LspLocation> {
    let location = declared(package, verdict, &|path| current_text(state, path))?;
    publish::lsp_location(&location, state)
}
