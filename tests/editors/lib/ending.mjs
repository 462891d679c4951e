// The end of the story: what is on disk is clean by every judge.

const AGREES = "what is on disk is clean by `supercargo check`";
const DENY = "and by the real `cargo deny check advisories licenses`";

export async function judged(steps, world, fixes, deny) {
  if (!fixes) {
    steps.skip(AGREES, "the server offers no code actions");
    steps.skip(DENY, "the server offers no code actions");
    return;
  }
  await steps.step(AGREES, async () => {
    const { code, errors, err } = await world.check("--only", "advisories,licenses");
    if (code !== 0) throw new Error(`exit code ${code}: ${errors.join(", ")}\n${err}`);
    if (world.read("deny.toml") !== world.original("deny.toml")) throw new Error(`the policy was changed to get there:\n${world.read("deny.toml")}`);
  });
  if (!deny) {
    steps.skip(DENY, "no cargo-deny was given (`--deny PATH`)");
    return;
  }
  await steps.step(DENY, async () => {
    const { code, out, err } = await world.cargoDeny(deny);
    if (code !== 0) throw new Error(`exit code ${code}\n${(out + err).slice(-3000)}`);
  });
}
