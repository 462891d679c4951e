//! A policy for a workspace that has none, judged before anybody hears of it.

use camino::{Utf8Path, Utf8PathBuf};

use super::{Fix, CheckedTexts, NotVerified, FixVerifier, SilentProgress};
use crate::{
    fix::{Verification, FixKind, Overlay, policy::create, proof},
    gate::{GateOptions, Texts as _, Verdict},
    policy::{
        licenses::ByLicense,
        template::{self, Ground},
    },
    text::SourceText,
    verdict::{Code, Finding},
    workspace::{POLICY_NAMES, PolicyFiles},
};

/// How many times what was made is mended: each mends one entry.
const ROUNDS: usize = 200;

/// A policy that was made for a workspace.
#[derive(Clone, Debug)]
pub struct CreatedPolicy {
    /// Where it belongs.
    pub path: Utf8PathBuf,
    /// Its text.
    pub text: SourceText,
    /// The verdict by it: what is found deserves a decision.
    pub verdict: Verdict,
    /// The licenses that it names and does not permit, with who needs them.
    pub undecided: ByLicense,
}

impl CreatedPolicy {
    /// The warnings and errors that deserve a decision.
    pub fn remaining(&self) -> impl Iterator<Item = &Finding> {
        self.verdict.findings.iter().filter(|finding| verification::is_cargo_deny_problem(finding))
    }
}

impl FixVerifier<'_> {
    /// A `deny.toml` for the workspace that is judged from these texts, whether it has a policy or
    /// not. Nothing is written.
    ///
    /// # Errors
    ///
    /// When no verdict can be reached, or nobody waits any more.
    pub fn create_policy(&mut self, texts: &Overlay) -> Result<CreatedPolicy, NotVerified> {
        let path = self.gate.workspace().folder().join(POLICY_NAMES[0]);
        let exceptions = self.gate.workspace().policy_files().exceptions;
        let options = GateOptions {
            config: None,
            policy_files: Some(PolicyFiles { policy: Some(path.clone()), exceptions }),
            gentle_without_policy: false,
            ..self.options.clone()
        };
        let audience = SilentProgress(self.audience);
        let mut prover = FixVerifier {
            gate: self.gate,
            options: &options,
            databases: self.databases,
            audience: &audience,
        };
        let with = |text: &str| {
            let mut buffers = texts.buffers().clone();
            buffers.insert(path.clone(), SourceText::new(text));
            Overlay::over(buffers)
        };
        let mut ground = create::ground(&prover.verdict(&with(create::NOTHING))?);
        let first = prover.verdict(&with(&template::made(&ground).text))?;
        create::lower(&mut ground, &first);
        let (mut overlay, mut verdict) = prover.mended_wholly(&ground, &path, &with)?;
        if create::name_unlicensed(&mut ground, &verdict) {
            (overlay, verdict) = prover.mended_wholly(&ground, &path, &with)?;
        }
        let text = overlay.read(&path).map_err(|error| error.to_string())?;
        let undecided = template::made(&ground).undecided;
        Ok(CreatedPolicy { path, text, verdict, undecided })
    }

    /// The policy for a ground, with everything mended that is not known before it is judged.
    fn mended_wholly(
        &mut self,
        ground: &Ground,
        path: &Utf8Path,
        with: &dyn Fn(&str) -> Overlay,
    ) -> Result<(Overlay, Verdict), NotVerified> {
        let mut overlay = with(&template::made(ground).text);
        let mut verdict = self.verdict(&overlay)?;
        for _ in 0..ROUNDS {
            let Some(fix) = self.mended(CheckedTexts { verdict: &verdict, texts: &overlay })? else {
                break;
            };
            let after = fix.texts.read(path).map_err(|error| error.to_string())?;
            (overlay, verdict) = (with(after.as_str()), fix.verification.verdict);
        }
        Ok((overlay, verdict))
    }

    /// The first thing that the policy can state more precisely without anybody: a license that
    /// texts tell, an entry that turns out to have no effect.
    fn mended(&mut self, now: CheckedTexts<'_>) -> Result<Option<Fix>, NotVerified> {
        for finding in &now.verdict.findings {
            let remedy = match finding.code {
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
            let is_good = |fix: &Fix| fix.kind == remedy && fix.placeholder.is_none();
            if let Some(fix) = fixes.into_iter().find(is_good) {
                return Ok(Some(fix));
            }
        }
        Ok(None)
    }

    fn verdict(&mut self, texts: &Overlay) -> Result<Verdict, NotVerified> {
        let verdict = self.gate.judge(self.options, texts, self.databases, self.audience);
        let verdict = verdict.ok_or(NotVerified::Unwanted)?;
        if verdict.reached {
            return Ok(verdict);
        }
        let broken = verdict.findings.iter().max_by_key(|finding| finding.severity);
        let reason = broken.map_or("no verdict can be reached", |finding| finding.message.as_str());
        Err(reason.to_owned().into())
    }

    /// The policy as a fix for its absence.
    pub(super) fn created(&mut self, now: CheckedTexts<'_>) -> Result<Vec<Fix>, NotVerified> {
        if now.verdict.policy.is_some() {
            return Ok(Vec::new());
        }
        let created = match self.create_policy(now.texts) {
            Ok(created) => created,
            Err(NotVerified::Unwanted) => return Err(NotVerified::Unwanted),
            Err(NotVerified::Because(reason)) => {
                tracing::warn!("no policy can be made: {reason}");
                return Ok(Vec::new());
            }
        };
        let mut texts = now.texts.clone();
        texts.create(&created.path, created.text.clone());
        let title = format!("create `deny.toml` for this workspace{}", left(&created));
        let Some(proof) = Verification::of(now, &texts, created.verdict) else { return Ok(Vec::new()) };
        let fix = Fix { title, ..Fix::new(FixKind::Policy, "", None, texts, proof) };
        Ok(vec![fix])
    }
}

/// How many codes a title names.
const NAMED: usize = 3;

/// What stays, in brackets.
fn left(created: &CreatedPolicy) -> String {
    let mut codes: Vec<&str> = Vec::new();
    for finding in created.remaining() {
        let code = finding.shown_code().unwrap_or(finding.check.name());
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    let more = codes.len().saturating_sub(NAMED);
    codes.truncate(NAMED);
    match (codes.is_empty(), more) {
        (true, _) => " (the gate is clean with it)".to_owned(),
        (false, 0) => format!(" ({} to be decided)", codes.join(", ")),
        (false, more) => format!(" ({} and {more} more to be decided)", codes.join(", ")),
    }
}
