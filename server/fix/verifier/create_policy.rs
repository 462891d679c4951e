//! Creates a policy for a workspace without one, and checks the workspace with it.

use camino::{Utf8Path, Utf8PathBuf};

use super::{CheckedTexts, Fix, FixVerifier, NotVerified, SilentProgress};
use crate::{
    fix::{FixKind, NoFixReason, Overlay, Verification, policy::create, verification},
    gate::{GateOptions, Texts as _, Verdict},
    policy::{
        licenses::PackagesByLicense,
        template::{Template, TemplateInput},
    },
    text::SourceText,
    verdict::{Code, DenyOptions, Finding, Severity},
    workspace::{POLICY_NAMES, PolicyFiles},
};

/// The maximum number of fixes that are applied to a new policy.
const MAX_FIXES: usize = 200;

/// A policy that was created for a workspace, but not written yet.
#[derive(Clone, Debug)]
pub struct CreatedPolicy {
    /// The path for the new file
    pub path: Utf8PathBuf,
    pub text: SourceText,
    /// The verdict with the new policy: the user has to decide about its findings.
    pub verdict: Verdict,
    /// The licenses that the user has to decide about, with the packages that need them.
    pub undecided: PackagesByLicense,
}

impl CreatedPolicy {
    /// The warnings and errors that the user has to decide about. Duplicate warnings are not among
    /// them: the policy asks for warnings on purpose.
    pub fn remaining(&self) -> impl Iterator<Item = &Finding> {
        let findings = self.verdict.findings.iter();
        findings.filter(|finding| {
            verification::is_cargo_deny_problem(finding) && !is_duplicate_warning(finding)
        })
    }

    /// The number of packages with several versions that are warnings with this policy.
    pub fn duplicates(&self) -> usize {
        let findings = self.verdict.findings.iter();
        findings.filter(|finding| is_duplicate_warning(finding)).count()
    }
}

impl FixVerifier<'_> {
    /// Creates a `deny.toml` for the workspace with these texts, even if it has a policy already.
    /// Writes nothing. A `strict` policy denies duplicates and skips those that exist.
    ///
    /// # Errors
    ///
    /// If the check cannot run or is canceled.
    pub fn create_policy(
        &mut self,
        texts: &Overlay,
        strict: bool,
    ) -> Result<CreatedPolicy, NotVerified> {
        let path = self.gate.workspace().folder().join(POLICY_NAMES[0]);
        let exceptions = self.gate.workspace().policy_files().exceptions;
        let options = GateOptions {
            deny: DenyOptions { config: None, ..self.options.deny.clone() },
            policy_files: Some(PolicyFiles { policy: Some(path.clone()), exceptions }),
            skip_licenses_without_policy: false,
            ..self.options.clone()
        };
        let progress = SilentProgress(self.progress);
        let mut verifier = FixVerifier {
            gate: self.gate,
            options: &options,
            databases: self.databases,
            progress: &progress,
        };
        let with = |text: &str| {
            let mut buffers = texts.buffers().clone();
            buffers.insert(path.clone(), SourceText::new(text));
            Overlay::over(buffers)
        };
        let all_findings = verifier.verdict(&with(create::PERMIT_NOTHING))?;
        let mut input = create::template_input(&all_findings, strict);
        let first = verifier.verdict(&with(&Template::new(&input).text))?;
        create::drop_ineffective(&mut input, &first);
        let (mut overlay, mut verdict) = verifier.with_fixes_applied(&input, &path, &with)?;
        if create::add_unlicensed(&mut input, &verdict) {
            (overlay, verdict) = verifier.with_fixes_applied(&input, &path, &with)?;
        }
        let text = overlay.read(&path).map_err(|error| unreadable(&error))?;
        let undecided = Template::new(&input).undecided;
        Ok(CreatedPolicy { path, text, verdict, undecided })
    }

    /// The policy for an input, with all fixes applied that need no decision.
    fn with_fixes_applied(
        &mut self,
        input: &TemplateInput,
        path: &Utf8Path,
        with: &dyn Fn(&str) -> Overlay,
    ) -> Result<(Overlay, Verdict), NotVerified> {
        let mut overlay = with(&Template::new(input).text);
        let mut verdict = self.verdict(&overlay)?;
        for _ in 0..MAX_FIXES {
            let Some(fix) = self.next_fix(CheckedTexts { verdict: &verdict, texts: &overlay })?
            else {
                break;
            };
            let after = fix.texts.read(path).map_err(|error| unreadable(&error))?;
            (overlay, verdict) = (with(after.as_str()), fix.verification.verdict);
        }
        Ok((overlay, verdict))
    }

    /// The first fix that needs no decision: a clarification of a license that the texts determine, or
    /// the removal of an entry without effect.
    fn next_fix(&mut self, now: CheckedTexts<'_>) -> Result<Option<Fix>, NotVerified> {
        for finding in &now.verdict.findings {
            let kind = match finding.code {
                Some(
                    Code::Unlicensed
                    | Code::NoLicenseField
                    | Code::EmptyLicenseField
                    | Code::GatherFailure
                    | Code::ParseError,
                ) => FixKind::Clarify,
                Some(code) if code.is_without_effect() => FixKind::Policy,
                _ => continue,
            };
            let fixes = self.policy_fixes(now, finding)?;
            let is_good = |fix: &Fix| fix.kind == kind && fix.placeholder.is_none();
            if let Some(fix) = fixes.into_iter().find(is_good) {
                return Ok(Some(fix));
            }
        }
        Ok(None)
    }

    fn verdict(&mut self, texts: &Overlay) -> Result<Verdict, NotVerified> {
        let verdict = self.gate.check(self.options, texts, self.databases, self.progress);
        let verdict = verdict.ok_or(NotVerified::Canceled)?;
        if verdict.complete {
            return Ok(verdict);
        }
        let broken = verdict.findings.iter().max_by_key(|finding| finding.severity);
        let failed = |finding: &Finding| NoFixReason::CheckFailed(finding.message.clone());
        Err(broken.map_or(NoFixReason::NoVerdict, failed).into())
    }

    /// The fix for a missing policy.
    pub(super) fn policy_creation(
        &mut self,
        now: CheckedTexts<'_>,
    ) -> Result<Vec<Fix>, NotVerified> {
        if now.verdict.policy.is_some() {
            return Ok(Vec::new());
        }
        let created = match self.create_policy(now.texts, false) {
            Ok(created) => created,
            Err(NotVerified::Canceled) => return Err(NotVerified::Canceled),
            Err(NotVerified::Because(reason)) => {
                tracing::warn!("could not create a policy: {reason}");
                return Ok(Vec::new());
            }
        };
        let mut texts = now.texts.clone();
        texts.create(&created.path, created.text.clone());
        let title = format!("create `deny.toml` for this workspace{}", remaining_note(&created));
        let Some(verification) = Verification::of(now, &texts, created.verdict) else {
            return Ok(Vec::new());
        };
        let fix = Fix { title, ..Fix::new(FixKind::Policy, "", None, texts, verification) };
        Ok(vec![fix])
    }
}

fn is_duplicate_warning(finding: &Finding) -> bool {
    finding.code == Some(Code::Duplicate) && finding.severity == Severity::Warning
}

/// The maximum number of codes in a title.
const MAX_NAMED: usize = 3;

/// The codes of the remaining findings, in parentheses.
fn remaining_note(created: &CreatedPolicy) -> String {
    let mut codes: Vec<&str> = Vec::new();
    for finding in created.remaining() {
        let code = finding.shown_code().unwrap_or(finding.check.name());
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    let more = codes.len().saturating_sub(MAX_NAMED);
    codes.truncate(MAX_NAMED);
    match (codes.is_empty(), more) {
        (true, _) => " (no errors remain)".to_owned(),
        (false, 0) => format!(" (remaining: {})", codes.join(", ")),
        (false, more) => format!(" (remaining: {} and {more} more)", codes.join(", ")),
    }
}

fn unreadable(error: &std::io::Error) -> NoFixReason {
    NoFixReason::UnreadablePolicy(error.to_string())
}
