// The end of the story: what is on disk is clean by every judge.

const AGREES = "what is on disk is clean by `supercargo check`";
const DENY = "and by the real `cargo deny check advisories licenses`";

export async function judged(steps, world, fixes, deny) {
  if (!fixes) {
    steps.skip(AGREES, "the server offers no code actions");
    steps.skip(DENY, "the server offers no code actions");
    return;
  }
  const before = world.read("deny.toml");
  await steps.step(AGREES, async () => {
    const { code, errors, err } = await world.check("--only", "advisories,licenses");
    if (code !== 0) throw new Error(`exit code ${code}: ${errors.join(", ")}\n${err}`);
    if (/ignore = \[[^\]]*RUSTSEC-(2024-0363|2025-0009|2026-0009)/s.test(before)) throw new Error("an ignore entry was added to get there");
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
