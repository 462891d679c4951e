// The report of `supercargo check --report` in the browser: with axe in each appearance, without a script, printed.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { run } from "./lib/processes.mjs";

/** What people read it with. */
const APPEARANCES = [
  { name: "light", colorScheme: "light" },
  { name: "dark", colorScheme: "dark" },
  { name: "narrow", colorScheme: "light", viewport: { width: 375, height: 800 } },
  { name: "print", colorScheme: "light", media: "print" },
];

/** `editor.axe` is the source of axe-core. */
export async function play({ steps, editor, fixture, pictures }) {
  const file = join(fixture.folder, "report.html");
  let findings;
  await steps.step("the report of changes has all kinds of findings", async () => {
    findings = await writeReport(fixture, file);
    return `${findings} findings`;
  });
  const page = { ...pictures, url: pathToFileURL(file).href };
  for (const appearance of APPEARANCES) {
    await steps.step(`${appearance.name}: axe finds no violation, nothing is wider than the page`, () =>
      withPage(page, appearance, async (tab, problems) => {
        await tab.screenshot({ path: join(pictures.folder, `report-${appearance.name}.png`), fullPage: true });
        const closed = await axe(tab, editor.axe);
        await tab.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
        const opened = await axe(tab, editor.axe);
        const violations = [...closed.violations, ...opened.violations].map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join("; ")}`);
        const tooWide = await tab.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
        if (tooWide) violations.push("it scrolls sideways");
        if (violations.length + problems.length > 0) throw new Error([...violations, ...problems].join("\n"));
        return `${opened.passes.length} rules`;
      }),
    );
  }
  await steps.step("a graph that is shown a second time looks as the first one", () =>
    withPage(page, APPEARANCES[0], async (tab) => {
      await tab.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
      const second = tab.locator("svg:has(> use)").first();
      const drawn = await second.locator("use").getAttribute("href");
      const first = await pictureAlone(tab, tab.locator(`svg:has(> ${drawn})`));
      if (!first.equals(await pictureAlone(tab, second))) throw new Error(`${drawn} looks different`);
    }),
  );
  await steps.step("without a script everything can be read", () =>
    withPage({ ...page, javaScriptEnabled: false }, APPEARANCES[0], async (tab) => {
      const shown = await tab.locator("ul.findings > li").count();
      const filters = await tab.locator("#filters").isVisible();
      if (shown !== findings || filters) throw new Error(`${shown} of ${findings} findings, filters shown: ${filters}`);
    }),
  );
  await steps.step("`/` leads to the search, which shows the findings with its words", () =>
    withPage(page, APPEARANCES[0], async (tab) => {
      const groups = () => tab.locator("details.group[open]").count();
      const before = await groups();
      await tab.keyboard.press("/");
      await tab.keyboard.type("ring vulnerab");
      const shown = await tab.locator("ul.findings > li:visible").allInnerTexts();
      const other = shown.filter((text) => !/ring/i.test(text) || !/vulnerab/i.test(text));
      if (shown.length === 0 || shown.length === findings || other.length > 0) throw new Error(`it shows ${shown.length}: ${other}`);
      const during = await groups();
      await tab.locator("[name=text]").fill("");
      const after = await groups();
      if (during <= before || after !== before) throw new Error(`${before} groups are open, ${during} while it searches, then ${after}`);
      await tab.keyboard.press("Tab");
      const focused = await tab.evaluate(() => document.activeElement.name);
      if (focused !== "severity") throw new Error(`the next control is ${focused}`);
    }),
  );
  await steps.step("it prints with everything opened", () =>
    withPage(page, APPEARANCES[0], async (tab) => {
      const printed = await tab.pdf({ path: join(fixture.folder, "report.pdf"), format: "A4" });
      const pages = printed.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
      if (pages < 2) throw new Error(`${pages} pages`);
      return `${pages} pages`;
    }),
  );
}

/** Changes the policy, and compares with the last commit: new, old and hidden findings. Returns how many findings the report lists. */
async function writeReport(fixture, file) {
  const policy = fixture.original("deny.toml");
  const changed = policy
    .replace('    "Zlib",\n', "")
    .replace("ignore = [", 'ignore = [\n    { id = "RUSTSEC-2024-0363", reason = "only PostgreSQL is used" },');
  if (changed.length === policy.length) throw new Error("the policy was not changed");
  writeFileSync(fixture.policy, changed);
  const options = ["--db", fixture.db, "--offline", "--base", "HEAD", "--report", file];
  const { code, err } = await run(fixture.server, ["check", fixture.core, ...options], { env: fixture.env });
  const html = readFileSync(file, "utf8");
  const findings = html.match(/<li [^>]*data-severity=/g)?.length ?? 0;
  const missing = ["new", "already there", "hidden by", "<svg", 'class="diff"', "only PostgreSQL is used"].filter((one) => !html.includes(one));
  if (findings === 0 || missing.length > 0) throw new Error(`exit code ${code}, ${findings} findings, without ${missing.join(", ")}\n${err}`);
  return findings;
}

/** Opens the report; `problems` are the errors of the console, such as what its policy for content has refused. */
async function withPage({ browser, url, ...options }, { colorScheme, viewport, media }, use) {
  const { javaScriptEnabled = true } = options;
  const context = await browser.newContext({ colorScheme, javaScriptEnabled, viewport: viewport ?? { width: 1280, height: 800 } });
  try {
    const tab = await context.newPage();
    const problems = [];
    tab.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    tab.on("pageerror", (error) => problems.push(String(error)));
    tab.on("request", (request) => request.url() !== url && problems.push(`it requests ${request.url()}`));
    if (media) await tab.emulateMedia({ media });
    await tab.goto(url);
    return await use(tab, problems);
  } finally {
    await context.close();
  }
}

/** A picture of a copy of an element in the corner of the page, so that all have the same fractions of pixels. */
async function pictureAlone(tab, element) {
  await element.evaluate((one) => {
    const corner = document.createElement("div");
    corner.id = "corner";
    corner.style.cssText = "position: fixed; top: 0; left: 0; z-index: 9; background: white";
    corner.append(one.cloneNode(true));
    document.body.append(corner);
  });
  const picture = await tab.locator("#corner").screenshot();
  await tab.evaluate(() => document.getElementById("corner").remove());
  return picture;
}

/** The result of all rules of axe; its source is evaluated from outside of the page, whose policy for content permits no other script. */
async function axe(tab, source) {
  await tab.evaluate(source);
  return tab.evaluate(() => globalThis.axe.run({ resultTypes: ["violations", "passes"] }));
}
