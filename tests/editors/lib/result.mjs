// Checks the files on disk after a story has fixed all findings.

const SUPERCARGO = "`supercargo check` finds no errors in the saved files";
const CARGO_DENY = "`cargo deny check advisories licenses` finds no errors in the saved files";

export async function checkResult(steps, fixture, fixes, deny) {
  if (!fixes) {
    steps.skip(SUPERCARGO, "the server offers no code actions");
    steps.skip(CARGO_DENY, "the server offers no code actions");
    return;
  }
  await steps.step(SUPERCARGO, async () => {
    const { code, errors, err } = await fixture.check("--only", "advisories,licenses");
    if (code !== 0) throw new Error(`exit code ${code}: ${errors.join(", ")}\n${err}`);
    if (fixture.read("deny.toml") !== fixture.original("deny.toml")) throw new Error(`the policy has changed:\n${fixture.read("deny.toml")}`);
  });
  if (!deny) {
    steps.skip(CARGO_DENY, "no cargo-deny (`--deny PATH`)");
    return;
  }
  await steps.step(CARGO_DENY, async () => {
    const { code, out, err } = await fixture.cargoDeny(deny);
    if (code !== 0) throw new Error(`exit code ${code}\n${(out + err).slice(-3000)}`);
  });
}
