//! Fixes for what the last verdict has found: proved while nothing else is wished, and for those
//! who ask.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use tokio::sync::mpsc;

use super::{Question, Wish, inbox::Inbox};
use crate::{
    fix::{FixResult, FixOptions, CheckedTexts, NotVerified, FixVerifier, Overlay, FixScope, repair},
    gate::{Audience, Databases, Gate, Texts as _, Verdict},
    lsp::owner::Event,
    text::SourceText,
    threads::{self, Doing},
    verdict::{Check, Code, Finding, PackageRef, Severity},
    workspace::Workspace,
};

/// Why there is no answer where a proof has panicked.
const BROKE: &str = "could not look for fixes: internal error, see the log of the server";

/// What is proved of one workspace.
pub(super) struct Proving {
    workspace: Workspace,
    databases: Arc<Databases>,
    events: mpsc::UnboundedSender<Event>,
    /// The last verdict, and what it was reached on.
    subject: Option<Subject>,
    /// The packages that no upgrade was looked for yet; each with a finding about it.
    todo: VecDeque<usize>,
    /// Judges manifests and lock files as they would be. It takes memory: only while it is needed.
    other: Option<Gate>,
    /// The upgrades that were looked for.
    known: Known,
}

/// Whether anybody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Haste {
    None,
    Asked,
}

struct Subject {
    wish: Wish,
    verdict: Arc<Verdict>,
    texts: Overlay,
}

/// Upgrades by package, and what they are answers for.
#[derive(Default)]
struct Known {
    key: Option<Key>,
    upgrades: BTreeMap<PackageRef, FixResult>,
}

/// Everything that decides upgrades: the texts that they change, and what is found.
#[derive(PartialEq)]
struct Key {
    unsaved: BTreeMap<camino::Utf8PathBuf, SourceText>,
    lock: Option<SourceText>,
    manifests: Vec<(camino::Utf8PathBuf, SourceText)>,
    found: BTreeSet<(Check, Severity, Option<String>, Vec<PackageRef>)>,
}

impl Key {
    fn of(subject: &Subject) -> Self {
        let verdict = &subject.verdict;
        let lock = subject.texts.read(&verdict.workspace.lock_file()).ok();
        let mut manifests: Vec<_> =
            verdict.declared.iter().map(|one| (one.file.clone(), one.text.clone())).collect();
        manifests.dedup();
        let found = verdict.findings.iter().map(|finding| {
            let code = finding.shown_code().map(str::to_owned);
            (finding.check, finding.severity, code, finding.packages.clone())
        });
        Self { unsaved: subject.texts.unsaved(), lock, manifests, found: found.collect() }
    }
}

impl Proving {
    pub(super) fn new(
        workspace: Workspace,
        databases: Arc<Databases>,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        let (subject, other) = (None, None);
        let (todo, known) = (VecDeque::new(), Known::default());
        Self { workspace, databases, events, subject, todo, other, known }
    }

    /// The verdict is going to be another one.
    pub(super) fn stop(&mut self) {
        self.subject = None;
        self.todo.clear();
    }

    /// What `wish` led to.
    pub(super) fn begin(&mut self, wish: Wish, verdict: Arc<Verdict>) {
        // What has changed on disk has changed in the copy's original.
        self.other = None;
        self.todo.clear();
        if !verdict.reached {
            return;
        }
        let texts = Overlay::over(wish.buffers.0.clone().into_iter().collect());
        let subject = Subject { wish, verdict, texts };
        let key = Key::of(&subject);
        if self.known.key.as_ref() != Some(&key) {
            self.known = Known { key: Some(key), ..Known::default() };
        }
        let mut seen = BTreeSet::new();
        let findings = subject.verdict.findings.iter().enumerate();
        let mut todo: Vec<_> = findings
            .filter(|(_, finding)| {
                subject.wish.proves_when_idle && finding.severity >= Severity::Warning
            })
            .filter(|(_, finding)| finding.check == Check::Advisories)
            .filter(|(_, finding)| finding.packages.first().is_some_and(|one| seen.insert(one)))
            .map(|(index, finding)| (finding.severity, index))
            .collect();
        todo.sort_by_key(|(severity, index)| (std::cmp::Reverse(*severity), *index));
        self.todo = todo.into_iter().map(|(_, index)| index).collect();
        self.subject = Some(subject);
    }

    pub(super) fn has_more(&self) -> bool {
        !self.todo.is_empty()
    }

    /// Whether it has a gate of its own that is more than a moment old.
    pub(super) fn is_warm(&self) -> bool {
        self.other.is_some()
    }

    /// Gives back what only makes the next proof faster.
    pub(super) fn rest(&mut self) {
        self.other = None;
    }

    /// Looks for one more upgrade, as long as it `may` go on: nobody else needs the thread.
    pub(super) fn go_on(&mut self, inbox: &Inbox, may: &dyn Fn() -> bool) {
        let Some(index) = self.todo.pop_front() else { return };
        let Some(finding) =
            self.subject.as_ref().and_then(|it| it.verdict.findings.get(index)).cloned()
        else {
            return;
        };
        // A question comes first and is answered with what was known before it.
        let looked = self.upgrades(&finding, Haste::None, &|| inbox.is_empty() && may());
        if matches!(looked, Err(NotVerified::Unwanted)) && inbox.has_no_wish() {
            self.todo.push_front(index);
        }
        if self.todo.is_empty() {
            self.other = None;
        }
        self.tell_proved();
    }

    pub(super) fn answer(&mut self, question: Question, gate: &mut Gate, inbox: &Inbox) {
        match question {
            Question::Fixes { of, findings } => {
                for index in findings {
                    if self.about(&of) && inbox.has_no_wish() {
                        self.answer_one(&of, index, gate, inbox);
                    }
                }
            }
            Question::FixReport { of, reply } => {
                if !self.about(&of) {
                    return;
                }
                let repaired =
                    self.with_prover(Haste::Asked, &|| inbox.has_no_wish(), |prover, subject| {
                        repair(prover, &FixScope::default(), subject.texts.clone())
                            .ok_or(NotVerified::Unwanted)
                    });
                if let Ok(repair) = repaired {
                    let _ = reply.send(repair);
                }
            }
        }
        if self.todo.is_empty() {
            self.other = None;
        }
    }

    fn about(&self, verdict: &Arc<Verdict>) -> bool {
        self.subject.as_ref().is_some_and(|subject| Arc::ptr_eq(&subject.verdict, verdict))
    }

    fn answer_one(&mut self, of: &Arc<Verdict>, index: usize, gate: &mut Gate, inbox: &Inbox) {
        let Some(finding) = of.findings.get(index) else { return };
        let wanted = || inbox.has_no_wish();
        let mut answer = match self.upgrades(finding, Haste::Asked, &wanted) {
            Ok(answer) => answer,
            Err(NotVerified::Unwanted) => return,
            Err(NotVerified::Because(why)) => FixResult { none: Some(why), ..FixResult::default() },
        };
        let mended = self.with_prover(Haste::Asked, &wanted, |prover, subject| {
            let now = CheckedTexts { verdict: &subject.verdict, texts: &subject.texts };
            prover.manifest_fixes(now, finding)
        });
        match mended {
            Ok(mended) => {
                answer.fixes.extend(mended.fixes);
                answer.none = answer.none.or(mended.none);
            }
            Err(NotVerified::Unwanted) => return,
            Err(NotVerified::Because(_)) => {}
        }
        let Some(subject) = &self.subject else { return };
        let audience = Background(&wanted);
        let mut prover = FixVerifier {
            gate,
            options: &subject.wish.options,
            databases: &self.databases,
            audience: &audience,
        };
        let now = CheckedTexts { verdict: &subject.verdict, texts: &subject.texts };
        let stated = threads::caught(&self.doing(), || prover.policy_fixes(now, finding));
        match stated {
            Ok(Ok(fixes)) => answer.fixes.extend(fixes),
            Ok(Err(_)) => return,
            // What panicked was logged; the others are as good as before.
            Err(_) => *gate = gate.anew(),
        }
        answer.fixes.sort_by_key(|fix| (fix.kind, fix.introduces_findings()));
        let answered = Event::Answered {
            workspace: self.workspace.clone(),
            of: Arc::clone(of),
            finding: index,
            answer: Arc::new(answer),
        };
        let _ = self.events.send(answered);
    }

    /// The upgrades of the package of a finding, known or looked for.
    fn upgrades(
        &mut self,
        finding: &Finding,
        haste: Haste,
        wanted: &dyn Fn() -> bool,
    ) -> Result<FixResult, NotVerified> {
        if finding.check == Check::Supercargo {
            // What is not about how the policy is written.
            return match finding.code {
                Some(Code::IgnoreHasFix) => self.with_prover(haste, wanted, |prover, subject| {
                    let now = CheckedTexts { verdict: &subject.verdict, texts: &subject.texts };
                    prover.upgrades_instead_of_ignoring(now, finding)
                }),
                _ => Ok(FixResult::default()),
            };
        }
        let package = match finding.packages.as_slice() {
            [package] => Some(package),
            _ => None,
        };
        if let Some(known) = package.and_then(|package| self.known.upgrades.get(package)) {
            return Ok(known.clone());
        }
        let answer = self.with_prover(haste, wanted, |prover, subject| {
            let now = CheckedTexts { verdict: &subject.verdict, texts: &subject.texts };
            prover.upgrades(now, finding, FixOptions::default())
        })?;
        if let Some(package) = package {
            self.known.upgrades.insert(package.clone(), answer.clone());
        }
        Ok(answer)
    }

    fn with_prover<T>(
        &mut self,
        haste: Haste,
        wanted: &dyn Fn() -> bool,
        mut prove: impl FnMut(&mut FixVerifier<'_>, &Subject) -> Result<T, NotVerified>,
    ) -> Result<T, NotVerified> {
        let doing = self.doing();
        let subject = self.subject.as_ref().ok_or(NotVerified::Unwanted)?;
        let audience = Background(wanted);
        let mut options = subject.wish.options.clone();
        if haste == Haste::None {
            options.resolver.children = options.resolver.children.gently();
        }
        // Again, from the beginning, when it panics.
        for _ in 0..2 {
            let gate = self.other.get_or_insert_with(|| Gate::new(self.workspace.clone()));
            let databases = &self.databases;
            let mut prover = FixVerifier { gate, options: &options, databases, audience: &audience };
            let proved = threads::caught(&doing, || {
                threads::failpoint("proving");
                prove(&mut prover, subject)
            });
            match proved {
                Ok(proved) => return proved,
                Err(_) => self.other = None,
            }
        }
        Err(NotVerified::Because(BROKE.to_owned()))
    }

    fn doing(&self) -> Doing {
        Doing::to("looking for fixes for", self.workspace.manifest.as_str())
    }

    /// How many packages have an upgrade that was proved.
    fn tell_proved(&self) {
        let Some(subject) = &self.subject else { return };
        let upgrades = self.known.upgrades.values();
        let count = upgrades.filter(|answer| !answer.fixes.is_empty()).count();
        let proved = Event::Proved {
            workspace: self.workspace.clone(),
            of: Arc::clone(&subject.verdict),
            count,
        };
        let _ = self.events.send(proved);
    }
}

/// Nobody is told what is done in the background.
struct Background<'a>(&'a dyn Fn() -> bool);

impl Audience for Background<'_> {
    fn doing(&self, _: &str) {}

    fn still_waits(&self) -> bool {
        self.0()
    }
}
