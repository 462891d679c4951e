// Tests that run in VS Code's extension host. Prints each step as a line that starts with `@`, for vscode.mjs.
const assert = require("node:assert/strict");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const vscode = require("vscode");

const LIMIT = Number(process.env.SUPERCARGO_EDITOR_LIMIT ?? 60) * 1000;
const ERRORS = JSON.parse(process.env.STORY_ERRORS);
const core = process.env.STORY_CORE;
const manifest = vscode.Uri.file(path.join(core, "Cargo.toml"));
const policy = vscode.Uri.file(path.join(core, "deny.toml"));

function print(record) {
  console.log(`@${JSON.stringify(record)}`);
}

async function until(what, condition, limit = LIMIT) {
  const end = Date.now() + limit;
  for (;;) {
    let result;
    let reason = "";
    try {
      result = await condition();
    } catch (error) {
      reason = `: ${error.message}`;
    }
    if (result) return result;
    if (Date.now() > end) throw new Error(`${what}: not within ${limit / 1000} s${reason}`);
    await new Promise((resume) => setTimeout(resume, 25));
  }
}

async function step(name, action) {
  const start = Date.now();
  try {
    const note = await action();
    print({ name, seconds: (Date.now() - start) / 1000, note: typeof note === "string" ? note : undefined });
  } catch (error) {
    print({ name, failed: error.stack });
    throw error;
  }
}

/** `line code` of each diagnostic of supercargo with this severity. */
function findings(uri = manifest, severity = vscode.DiagnosticSeverity.Error) {
  return vscode.languages
    .getDiagnostics(uri)
    .filter((one) => one.source === "supercargo" && one.severity === severity)
    .map((one) => `${one.range.start.line + 1} ${one.code.value ?? one.code}`)
    .sort();
}

const expected = ERRORS.map(({ line, code }) => `${line} ${code}`).sort();
const isEqual = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const without = (code) => expected.filter((one) => !one.endsWith(code));
const waitForFindings = (what, codes) => until(`${what}: ${codes.join(", ")}`, () => isEqual(findings(), codes) || assert.deepEqual(findings(), codes));

/** The lines that are logged from now on, each with its level. */
function recordLog(log) {
  const lines = [];
  const levels = ["error", "warn", "info", "debug", "trace"];
  const before = levels.map((level) => log[level]);
  for (const level of levels) {
    const write = log[level].bind(log);
    log[level] = (message, ...more) => {
      lines.push(`${level} ${message}`);
      write(message, ...more);
    };
  }
  lines.end = () => levels.forEach((level, at) => (log[level] = before[at]));
  return lines;
}

async function replace(document, from, to) {
  const at = document.getText().indexOf(from);
  assert(at >= 0, `no ${from} in ${document.uri.fsPath}`);
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, new vscode.Range(document.positionAt(at), document.positionAt(at + from.length)), to);
  assert(await vscode.workspace.applyEdit(edit));
}

exports.run = async function run() {
  const extension = vscode.extensions.getExtension("supercargo.supercargo");
  let api;

  await step("a folder with a manifest activates the extension in less than 100 ms of processor time", async () => {
    await until("activation", () => extension.isActive);
    api = extension.exports;
    assert(api.activation < 100, `it took ${api.activation} ms`);
    return `${api.activation.toFixed(1)} ms for evaluating the bundle and activating`;
  });

  await step("findings are published on their lines", async () => {
    await vscode.window.showTextDocument(manifest);
    await waitForFindings("the findings", expected);
    await until("a complete check", () => api.statuses().some(({ state }) => state === "exact"));
    for (const one of vscode.languages.getDiagnostics(manifest)) {
      if (/^RUSTSEC/.test(one.code?.value ?? "")) assert.match(one.code.target.toString(), /^https:\/\/rustsec\.org\/advisories\//);
    }
  });

  await step("the status bar shows the counts, its tooltip the checks and the database", async () => {
    assert.match(api.statusBar.text, /supercargo: 4 errors, 6 warnings/);
    assert.match(api.statusBar.tooltip.value, /advisories: 3 errors/);
    assert.match(api.statusBar.tooltip.value, /advisory database: a plain folder/);
    return api.statusBar.text;
  });

  await step("the view shows workspace, checks, findings and dependency paths", async () => {
    const tree = api.supplyChain;
    const below = (node) => tree.getChildren(node).map((child) => [tree.getTreeItem(child), child]);
    const [[workspace, node], ...others] = below();
    assert.equal(others.length, 0);
    assert.equal(workspace.label, "handshake_core");
    const checks = below(node);
    assert.deepEqual(checks.map(([{ label }]) => label), ["Advisories", "Licenses", "Bans", "Sources"]);
    const advisories = below(checks[0][1]);
    assert.equal(advisories.length, 3);
    assert.deepEqual(advisories.map(([{ label }]) => label), ["ring 0.17.9", "sqlx 0.8.0", "time 0.3.44"]);
    assert.equal(advisories[2][0].description, "A crafted RFC 2822 date can exhaust the stack");
    assert(below(checks[2][1]).some(([{ label, description }]) => /hashbrown.*0\.14\.5 and 0\.17\.1/.test(`${label}: ${description}`)));
    const banned = below(checks[2][1]).map(([item, child]) => [item, below(child)]);
    const labels = banned.flatMap(([, children]) => children.map(([{ label }]) => label));
    assert(labels.some((label) => /hashbrown 0\.14\.5/.test(label)), labels.join(" | "));
    await vscode.commands.executeCommand(advisories[2][0].command.command, ...advisories[2][0].command.arguments);
    await until("its line is open", () => vscode.window.activeTextEditor?.selection.start.line === 17);
  });

  await step("the hover shows versions and the advisory", async () => {
    const [line] = findings().slice(-1)[0].split(" ");
    const hovers = await vscode.commands.executeCommand("vscode.executeHoverProvider", manifest, new vscode.Position(line - 1, 1));
    const text = hovers.flatMap(({ contents }) => contents.map(({ value }) => value)).join("\n");
    assert.match(text, /0\.3\.44/);
    assert.match(text, /RUSTSEC-2026-0009/);
  });

  await step("the dependency graph of a finding opens in a panel, once, and follows the manifest", async () => {
    const panels = () => api.whyGraphs.panels();
    const hovers = await vscode.commands.executeCommand("vscode.executeHoverProvider", manifest, new vscode.Position(17, 1));
    const [, link] = hovers.flatMap(({ contents }) => contents.map(({ value }) => value)).join("").match(/\(command:supercargo\.showWhyGraph\?([^)]*)\)/);
    const [address] = JSON.parse(decodeURIComponent(link));
    await vscode.commands.executeCommand("supercargo.showWhyGraph", address);
    await until("the panel", () => panels().length === 1);
    const [panel] = panels();
    const title = "Why time 0.3.44";
    await until("its tab", () => vscode.window.tabGroups.activeTabGroup.activeTab?.label === title);
    const { html } = panel.webview;
    assert.match(html, />time 0\.3\.44<\/text>/);
    assert.match(html, />handshake_core 0\.3\.0<\/text>/);
    assert.match(html, /content="default-src 'none'; style-src 'nonce-\w+'; script-src 'nonce-\w+';/);
    assert.equal(html.match(/<script/g).length, 1);
    // The same graph from the view and from the line of the dependency.
    const [workspace] = api.supplyChain.getChildren();
    const [check] = api.supplyChain.getChildren(workspace);
    const node = api.supplyChain.getChildren(check).find((child) => child.finding.package.name === "time");
    assert.equal(api.supplyChain.getTreeItem(node).contextValue, "finding linked packaged");
    await vscode.window.showTextDocument(manifest);
    await vscode.commands.executeCommand("supercargo.showWhyGraph", node);
    await until("its tab", () => vscode.window.tabGroups.activeTabGroup.activeTab?.label === title);
    await vscode.window.showTextDocument(manifest, { selection: new vscode.Range(17, 0, 17, 0) });
    await vscode.commands.executeCommand("supercargo.showWhyGraph");
    await until("its tab", () => vscode.window.tabGroups.activeTabGroup.activeTab?.label === title);
    assert.equal(panels().length, 1);
    const document = await vscode.workspace.openTextDocument(manifest);
    await replace(document, "time = {", "# time = {");
    await until("the panel without a graph", () => panel.title === `${title} (outdated)`);
    await replace(document, "# time = {", "time = {");
    await until("the panel with its graph", () => panel.title === title);
    await document.save();
    const text = await vscode.workspace.openTextDocument(vscode.Uri.parse(address));
    assert.match(text.getText(), /^time 0\.3\.44\n.*── .* \(\^0\.3/);
    await vscode.commands.executeCommand("supercargo.showWhyGraph", "supercargo-why:/nowhere/time");
    assert.equal(panels().length, 1);
    panel.dispose();
    await until("no panel", () => panels().length === 0);
    await vscode.window.showTextDocument(manifest);
  });

  await step("an unsaved edit of the policy changes the findings", async () => {
    const disk = fs.readFileSync(policy.fsPath, "utf8");
    const document = await vscode.workspace.openTextDocument(policy);
    await replace(document, '"RUSTSEC-2024-0436",', '"RUSTSEC-2024-0436",\n    "RUSTSEC-2026-0009",');
    await waitForFindings("after the edit", without("RUSTSEC-2026-0009"));
    assert.equal(fs.readFileSync(policy.fsPath, "utf8"), disk);
    await replace(document, '\n    "RUSTSEC-2026-0009",', "");
    await waitForFindings("after the undo", expected);
    await document.save();
  });

  await step("while the policy cannot be parsed, the status shows its line and the last counts", async () => {
    const document = await vscode.workspace.openTextDocument(policy);
    const texts = [];
    const timer = setInterval(() => texts.at(-1) === api.statusBar.text || texts.push(api.statusBar.text), 1);
    await replace(document, '"RUSTSEC-2024-0436",', '"RUSTSEC-2024-0436",\n    "HALF');
    await until("the status", () => /deny\.toml at line 7.*4 errors, 6 warnings/.test(api.statusBar.text));
    assert.match(api.statusBar.tooltip.value, /advisories: 3 errors/);
    assert.equal(api.statusBar.backgroundColor, undefined);
    assert.deepEqual(findings(policy).map((one) => one.split(" ")[1]), ["supercargo::policy-syntax"]);
    assert.match(api.report(), /"policyBroken": true/);
    await replace(document, '\n    "HALF', "");
    await until("the status", () => /supercargo: 4 errors, 6 warnings$/.test(api.statusBar.text));
    clearInterval(timer);
    assert(!texts.some((text) => /failed|no errors/.test(text)), texts.join(" | "));
    await document.save();
    return texts.join(" | ");
  });

  await step("changed settings take effect without a restart", async () => {
    const configuration = vscode.workspace.getConfiguration("supercargo");
    await configuration.update("codes", { duplicate: "off" }, vscode.ConfigurationTarget.Global);
    await until("duplicates are gone", () => !findings(manifest, vscode.DiagnosticSeverity.Warning).some((one) => one.endsWith("duplicate")));
    await configuration.update("codes", undefined, vscode.ConfigurationTarget.Global);
    await until("duplicates are back", () => findings(manifest, vscode.DiagnosticSeverity.Warning).some((one) => one.endsWith("duplicate")));
  });

  await step("a comparison with a base marks new findings in the messages, the status and the view", async () => {
    const root = process.env.STORY_ROOT;
    const git = (args, input) =>
      execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...args], { cwd: root, input, encoding: "utf8" }).trim();
    // The base ignores an advisory that the working tree does not ignore.
    const ignoring = fs.readFileSync(policy.fsPath, "utf8").replace('"RUSTSEC-2024-0436",', '"RUSTSEC-2024-0436",\n    "RUSTSEC-2026-0009",');
    const blob = git(["hash-object", "-w", "--stdin"], ignoring);
    git(["update-index", "--cacheinfo", `100644,${blob},${path.relative(root, policy.fsPath)}`]);
    git(["commit", "--quiet", "--message", "base"]);
    await vscode.commands.executeCommand("supercargo.compareWithBase", "HEAD");
    await until("the comparison", () => /supercargo: 4 errors, 6 warnings; 1 new since HEAD$/.test(api.statusBar.text));
    assert.match(api.statusBar.tooltip.value, /new: 1 error/);
    assert.match(api.statusBar.tooltip.value, /already there: 3 errors, 6 warnings/);
    const marked = await until("the mark", () => vscode.languages.getDiagnostics(manifest).filter(({ message }) => message.startsWith("new: ")));
    assert.deepEqual(marked.map(({ code }) => code.value), ["RUSTSEC-2026-0009"]);
    const tree = api.supplyChain;
    const below = (node) => tree.getChildren(node).map((child) => [tree.getTreeItem(child), child]);
    const groups = below(tree.getChildren()[0]);
    assert.deepEqual(groups.map(([{ label, description }]) => `${label}: ${description}`), ["New: 1 error since HEAD", "Already there: 3 errors, 6 warnings"]);
    const [[check, advisories]] = below(groups[0][1]);
    assert.equal(check.label, "Advisories");
    assert.deepEqual(below(advisories).map(([{ label }]) => label), ["time 0.3.44"]);
    await vscode.commands.executeCommand("supercargo.compareWithBase", "");
    await until("no comparison", () => /supercargo: 4 errors, 6 warnings$/.test(api.statusBar.text));
    await until("no mark", () => !vscode.languages.getDiagnostics(manifest).some(({ message }) => message.startsWith("new: ")));
    assert.deepEqual(below(tree.getChildren()[0]).map(([{ label }]) => label), ["Advisories", "Licenses", "Bans", "Sources"]);
    git(["reset", "--quiet", "HEAD~1"]);
  });

  await step("findings that only a change of the policy hides have a group in the view", async () => {
    const document = await vscode.workspace.openTextDocument(policy);
    await replace(document, '"RUSTSEC-2024-0436",', '"RUSTSEC-2024-0436",\n    "RUSTSEC-2026-0009",');
    await vscode.commands.executeCommand("supercargo.compareWithBase", "HEAD");
    // An ignored advisory that an upgrade fixes is a warning, which is new.
    const compared = /supercargo: 3 errors, 7 warnings, 1 of them not counted by cargo-deny; 1 new since HEAD, 1 hidden by changes of the policy$/;
    await until("the comparison", () => compared.test(api.statusBar.text) || assert.match(api.statusBar.text, compared));
    assert.match(api.statusBar.tooltip.value, /hidden by changes of the policy: 1 error/);
    const tree = api.supplyChain;
    const below = (node) => tree.getChildren(node).map((child) => [tree.getTreeItem(child), child]);
    const groups = await until("the group", () => {
      const all = below(tree.getChildren()[0]);
      return all.length === 3 && all;
    });
    assert.deepEqual(groups.map(([{ label, description }]) => `${label}: ${description}`), ["New: 1 warning since HEAD", "Hidden: 1 by changes of the policy", "Already there: 3 errors, 6 warnings"]);
    const [[check, advisories]] = below(groups[1][1]);
    assert.equal(check.label, "Advisories");
    const [[item, node]] = below(advisories);
    assert.equal(item.label, "time 0.3.44");
    assert(below(node).some(([{ label }]) => /RUSTSEC-2026-0009/.test(label)), "the entry is not named");
    // It leads to the entry, and has a dependency graph as all findings.
    await vscode.commands.executeCommand(item.command.command, ...item.command.arguments);
    await until("the entry is open", () => vscode.window.activeTextEditor?.document.uri.fsPath === policy.fsPath && vscode.window.activeTextEditor.selection.start.line === 6);
    await vscode.commands.executeCommand("supercargo.showWhyGraph", node);
    const [panel] = await until("the panel", () => api.whyGraphs.panels().length && api.whyGraphs.panels());
    assert.equal(panel.title, "Why time 0.3.44");
    panel.dispose();
    await replace(document, '\n    "RUSTSEC-2026-0009",', "");
    await until("nothing hidden", () => /supercargo: 4 errors, 6 warnings; nothing new since HEAD$/.test(api.statusBar.text));
    await vscode.commands.executeCommand("supercargo.compareWithBase", "");
    await until("no comparison", () => /supercargo: 4 errors, 6 warnings$/.test(api.statusBar.text));
    await document.save();
  });

  await step("a workspace cannot set a program", async () => {
    const folder = path.join(process.env.STORY_ROOT, ".vscode");
    fs.mkdirSync(folder);
    const before = api.session.pid;
    fs.writeFileSync(path.join(folder, "settings.json"), JSON.stringify({ "supercargo.server.path": "/bin/false", "supercargo.cargo": "/bin/false", "supercargo.notes": true }));
    await until("the workspace's settings are read", () => vscode.workspace.getConfiguration("supercargo").get("notes") === true);
    await waitForFindings("the findings", expected);
    assert.equal(api.session.pid, before);
    await api.session.restart();
    assert.equal(api.session.server.program, process.env.SUPERCARGO_TEST_SERVER);
    fs.rmSync(folder, { recursive: true });
    await until("they are gone", () => vscode.workspace.getConfiguration("supercargo").get("notes") === false);
    await waitForFindings("the findings", expected);
  });

  await step("`cargo update` in a terminal updates the findings", async () => {
    const cargo = (...args) => execFileSync("cargo", args, { cwd: core, stdio: "ignore" });
    cargo("update", "-p", "time", "--precise", "0.3.47");
    await waitForFindings("after the update", without("RUSTSEC-2026-0009"));
    cargo("update", "-p", "time", "--precise", "0.3.44");
    await waitForFindings("and back", expected);
  });

  await step("a killed server is restarted", async () => {
    const before = api.session.pid;
    process.kill(before, "SIGKILL");
    await until("a new server", () => api.session.health === "running" && api.session.pid !== before);
    await until("a complete check", () => api.statuses().some(({ state }) => state === "exact"));
    await waitForFindings("the findings", expected);
    const document = await vscode.workspace.openTextDocument(manifest);
    await replace(document, "time = {", "# time = {");
    await waitForFindings("after an edit", without("RUSTSEC-2026-0009"));
    await replace(document, "# time = {", "time = {");
    await waitForFindings("after the undo", expected);
    await document.save();
  });

  await step("the bug report contains versions and no paths", () => {
    const text = api.report();
    assert.match(text, /extension: \d+\.\d+\.\d+/);
    assert.match(text, /server: \d+\.\d+\.\d+ \(test\), running/);
    assert(!text.includes(core), text);
    assert.match(text, /"db": "\(a path\)"/);
  });

  await step("a policy has completion, hover, definitions, symbols and lenses", async () => {
    const document = await vscode.workspace.openTextDocument(policy);
    await vscode.window.showTextDocument(document);
    const before = document.getText();
    const positionOf = (text) => document.positionAt(document.getText().indexOf(text));
    const labels = async (position) => {
      const list = await vscode.commands.executeCommand("vscode.executeCompletionItemProvider", policy, position);
      return list.items.map(({ label }) => label.label ?? label);
    };
    await replace(document, '    "Apache-2.0",', '    "BSL",\n    "Apache-2.0",');
    const license = await until("licenses", async () => {
      const all = await labels(positionOf("BSL").translate(0, 3));
      return all.some((one) => one.startsWith("BSL-1.0")) && all;
    });
    await replace(document, '    "BSL",\n', "");
    await replace(document, "[bans]\n", '[bans]\nhigh\nskip = ["time"]\n');
    const keys = await until("keys", async () => {
      const all = await labels(positionOf("high").translate(0, 4));
      return all.includes("highlight") && all;
    });
    await replace(document, "high\n", "");
    const targets = await until("the definition of `time`", async () => {
      const all = await vscode.commands.executeCommand("vscode.executeDefinitionProvider", policy, positionOf('"time"').translate(0, 2));
      return all.length > 0 && all;
    });
    const [target] = targets.map((one) => ({ uri: one.targetUri ?? one.uri, range: one.targetSelectionRange ?? one.targetRange ?? one.range }));
    assert.equal(target.uri.fsPath, manifest.fsPath);
    assert.equal(target.range.start.line, 17);
    await replace(document, 'skip = ["time"]\n', "");
    assert.equal(document.getText(), before);

    const hovers = await vscode.commands.executeCommand("vscode.executeHoverProvider", policy, positionOf("RUSTSEC-2023-0071").translate(0, 3));
    const text = hovers.flatMap(({ contents }) => contents.map(({ value }) => value)).join("\n");
    assert.match(text, /RUSTSEC-2023-0071/);
    assert.match(text, /rsa/);
    const symbols = await vscode.commands.executeCommand("vscode.executeDocumentSymbolProvider", policy);
    assert.deepEqual(symbols.map(({ name }) => name), ["advisories", "licenses", "bans", "sources"]);
    const lenses = await until("lenses of entries", async () => {
      const all = await vscode.commands.executeCommand("vscode.executeCodeLensProvider", policy, 100);
      const titles = all.map(({ range, command }) => `${range.start.line + 1} ${command?.title}`);
      const suppresses = titles.findIndex((one) => /^6 .*suppress/.test(one));
      return suppresses >= 0 && all[suppresses].command.command === "supercargo.showWhyGraph" && titles;
    });
    await document.save();
    return `${license.length} licenses, ${keys.length} keys, ${lenses.length} lenses, for example: ${lenses[1]}`;
  });

  await step("the last quick fix ignores an advisory and selects the reason", async () => {
    const document = await vscode.workspace.openTextDocument(policy);
    const before = document.getText();
    await vscode.window.showTextDocument(manifest);
    const [diagnostic] = vscode.languages.getDiagnostics(manifest).filter((one) => one.code?.value === "RUSTSEC-2026-0009");
    const action = await until("an ignore as the last action", async () => {
      const all = await vscode.commands.executeCommand("vscode.executeCodeActionProvider", manifest, diagnostic.range, "quickfix", 32);
      return all.filter(({ title, edit }) => /^ignore `?RUSTSEC-2026-0009/.test(title) && edit).pop();
    }, 4 * LIMIT);
    assert(await vscode.workspace.applyEdit(action.edit));
    await vscode.commands.executeCommand(action.command.command, ...action.command.arguments);
    const editor = await until("the policy in the active editor", () => {
      const active = vscode.window.activeTextEditor;
      return active?.document.uri.fsPath === policy.fsPath && !active.selection.isEmpty && active;
    });
    assert.match(document.getText(editor.selection), /^TODO: /);
    await waitForFindings("the finding is ignored", without("RUSTSEC-2026-0009"));
    await vscode.commands.executeCommand("undo");
    assert.equal(document.getText(), before);
    await waitForFindings("after the undo", expected);
    await document.save();
    return action.title;
  });

  await step("a server that crashes repeatedly is not restarted", async () => {
    const log = recordLog(api.session.log);
    await api.session.restart();
    await until("the server is running", () => api.session.health === "running");
    for (let crashes = 0; !api.session.failure; crashes++) {
      assert(crashes < 6, "the server is restarted again and again");
      const pid = await until("a server", () => (api.session.failure ? -1 : api.session.health === "running" && api.session.pid));
      if (pid === -1) break;
      process.kill(pid, "SIGKILL");
      await until("the server has ended", () => api.session.health !== "running" || api.session.pid !== pid);
    }
    assert.match(api.session.failure, /crashed 5 times in the last 3 minutes/);
    await until("the signals in the log", () => log.filter((line) => /^error .*exited with signal SIGKILL/.test(line)).length === 5);
    assert(log.some((line) => /^error .*crashed 5 times/.test(line)), log.join("\n"));
    assert.match(api.statusBar.text, /supercargo: not running/);
    assert.equal(api.statusBar.command, "supercargo.showLog");
    assert.match(api.statusBar.tooltip.value, /command:supercargo\.restart/);
    assert.match(api.report(), /failure: .*crashed 5 times/);
    log.end();
    await api.session.restart();
    await waitForFindings("after a restart by the user", expected);
  });

  await step("a program that does not start is reported with the system's message and what to do", async () => {
    const configured = process.env.SUPERCARGO_TEST_SERVER;
    const file = path.join(process.env.STORY_FOLDER, "no-server");
    const help = "correct `SUPERCARGO_TEST_SERVER`";
    const fails = async (program, message) => {
      process.env.SUPERCARGO_TEST_SERVER = program;
      await api.session.restart();
      assert.match(api.session.failure ?? "none", message);
      assert(api.session.failure.includes(help), api.session.failure);
      assert.equal(api.session.health, "stopped");
    };
    await fails("/nowhere/supercargo", /could not start `\/nowhere\/supercargo`: no such file or directory/);
    await fails("supercargo", /is not an absolute path/);
    fs.writeFileSync(file, "text", { mode: 0o644 });
    await fails(file, /permission denied/);
    fs.chmodSync(file, 0o755);
    await fails(file, /not found/);
    fs.writeFileSync(file, "#!/nowhere/interpreter\n");
    await fails(file, /no such file or directory/);
    // A server that exits before it answers: the last line of its standard error.
    fs.writeFileSync(file, "#!/bin/sh\necho 'first' >&2\necho 'the disk is full' >&2\nexit 3\n");
    const log = recordLog(api.session.log);
    await fails(file, /could not start `.*`: the disk is full/);
    assert.equal(log.filter((line) => line === "error the disk is full").length, 1, log.join("\n"));
    assert(log.some((line) => /exited with code 3/.test(line)), log.join("\n"));
    log.end();
    fs.writeFileSync(file, "#!/bin/sh\nexec cat\n");
    await fails(file, /could not start/);
    process.env.SUPERCARGO_TEST_SERVER = configured;
    await api.session.restart();
    assert.equal(api.session.failure, undefined);
    await waitForFindings("the findings", expected);
  });

  await step("a server of another version causes a warning and works", async () => {
    const configured = process.env.SUPERCARGO_TEST_SERVER;
    const { version } = extension.packageJSON;
    const file = path.join(process.env.STORY_FOLDER, "other-version");
    for (const [other, warning] of [["0.0.1", /supercargo 0\.0\.1, older than this extension .*cargo install/], ["9.0.0", /supercargo 9\.0\.0, newer than this extension .*update the extension/]]) {
      // The real server, which reports another version.
      const script = `#!${process.execPath}
const { spawn } = require("node:child_process");
const server = spawn(${JSON.stringify(configured)}, process.argv.slice(2), { stdio: ["inherit", "pipe", "inherit"] });
server.stdout.on("data", (data) => process.stdout.write(data.toString("latin1").replace('"version":"${version}"', '"version":"${other}"'), "latin1"));
server.on("exit", (code) => process.exit(code ?? 1));
`;
      fs.writeFileSync(file, script, { mode: 0o755 });
      process.env.SUPERCARGO_TEST_SERVER = file;
      await api.session.restart();
      await until("it runs", () => api.session.health === "running");
      assert.match(api.session.versionWarning, warning);
      await waitForFindings("the findings", expected);
      await until("the tooltip", () => warning.test(api.statusBar.tooltip.value.replaceAll("&nbsp;", " ").replaceAll("\\", "")));
      assert.match(api.report(), warning);
    }
    process.env.SUPERCARGO_TEST_SERVER = configured;
    await api.session.restart();
    assert.equal(api.session.versionWarning, undefined);
    await waitForFindings("the findings", expected);
  });

  await step("servers that crash while they start count as crashes", async () => {
    const configured = process.env.SUPERCARGO_TEST_SERVER;
    const file = path.join(process.env.STORY_FOLDER, "crashing");
    const starts = `${file}.starts`;
    fs.writeFileSync(starts, "");
    // The first start is the real server. The others end before they run: before their answer, with an error as the answer, and with an
    // answer but a closed input, so that the start fails before the process ends.
    const script = `#!${process.execPath}
const fs = require("node:fs");
const start = fs.readFileSync(${JSON.stringify(starts)}).length;
fs.appendFileSync(${JSON.stringify(starts)}, ".");
const answer = (content) => {
  const buffer = Buffer.alloc(1e6);
  const [id] = buffer.toString("utf8", 0, fs.readSync(0, buffer)).match(/"id":\\d+/);
  fs.closeSync(0);
  const text = '{"jsonrpc":"2.0",' + id + ',' + content + '}';
  fs.writeSync(1, "Content-Length: " + text.length + "\\r\\n\\r\\n" + text);
  setTimeout(() => process.exit(1), 300);
};
if (start === 0) {
  const server = require("node:child_process").spawn(${JSON.stringify(configured)}, process.argv.slice(2), { stdio: "inherit" });
  process.on("SIGTERM", () => server.kill());
  server.on("exit", () => process.exit(1));
}
if (start === 1) process.exit(1);
if (start === 2) answer('"error":{"code":-32603,"message":"broken"}');
if (start >= 3) answer('"result":{"capabilities":{}}');
`;
    fs.writeFileSync(file, script, { mode: 0o755 });
    process.env.SUPERCARGO_TEST_SERVER = file;
    await api.session.restart();
    await waitForFindings("the findings", expected);
    process.kill(api.session.pid, "SIGTERM");
    await until("a failure", () => api.session.failure);
    assert.match(api.session.failure, /crashed 5 times in the last 3 minutes/);
    assert.equal(api.session.health, "stopped");
    assert.equal(fs.readFileSync(starts).length, 5);
    process.env.SUPERCARGO_TEST_SERVER = configured;
    await api.session.restart();
    await waitForFindings("the findings", expected);
  });

  await step("settings with a wrong type are ignored", async () => {
    const configuration = vscode.workspace.getConfiguration("supercargo");
    const before = api.session.pid;
    const wrong = { codes: "all", debounce: "soon", exclude: 7, notes: "yes", "checks.bans": [], "server.path": 5, cargo: {} };
    for (const [name, value] of Object.entries(wrong)) await configuration.update(name, value, vscode.ConfigurationTarget.Global);
    const document = await vscode.workspace.openTextDocument(manifest);
    await replace(document, "time = {", "# time = {");
    await waitForFindings("after an edit", without("RUSTSEC-2026-0009"));
    await replace(document, "# time = {", "time = {");
    await waitForFindings("after the undo", expected);
    await document.save();
    assert.equal(api.session.pid, before);
    // The same at the start of a server.
    await api.session.restart();
    await waitForFindings("the findings", expected);
    assert.equal(api.session.failure, undefined);
    for (const name of Object.keys(wrong)) await configuration.update(name, undefined, vscode.ConfigurationTarget.Global);
    await waitForFindings("the findings", expected);
  });

  await step("virtual documents are ignored, and the manifest explains the limits of virtual workspaces", async () => {
    const { supported, description } = extension.packageJSON.capabilities.virtualWorkspaces;
    assert.equal(supported, false);
    assert.match(description, /Clone the repository/);
    const provider = { provideTextDocumentContent: () => fs.readFileSync(manifest.fsPath, "utf8") };
    const registered = vscode.workspace.registerTextDocumentContentProvider("story", provider);
    const virtual = vscode.Uri.parse("story:/handshake/Cargo.toml");
    await vscode.window.showTextDocument(virtual);
    const hovers = await vscode.commands.executeCommand("vscode.executeHoverProvider", virtual, new vscode.Position(17, 1));
    assert.equal(hovers.length, 0);
    assert.deepEqual(findings(virtual), []);
    assert.equal(api.statuses().length, 1);
    registered.dispose();
  });

  await step("files of a virtual file system are ignored, also by commands", async () => {
    const files = new Map([
      ["/handshake/Cargo.toml", fs.readFileSync(manifest.fsPath)],
      ["/handshake/deny.toml", fs.readFileSync(policy.fsPath)],
    ]);
    const changes = new vscode.EventEmitter();
    const contents = (uri) => {
      if (!files.has(uri.path)) throw vscode.FileSystemError.FileNotFound(uri);
      return files.get(uri.path);
    };
    const remote = vscode.workspace.registerFileSystemProvider("story-vfs", {
      onDidChangeFile: changes.event,
      watch: () => ({ dispose() {} }),
      stat: (uri) => ({ type: vscode.FileType.File, ctime: 0, mtime: 0, size: contents(uri).length }),
      readFile: contents,
      writeFile: (uri, content) => void files.set(uri.path, content),
      readDirectory: () => [...files.keys()].map((path) => [path.split("/").pop(), vscode.FileType.File]),
      createDirectory() {},
      delete() {},
      rename() {},
    });
    const logged = recordLog(api.session.log);
    const before = { pid: api.session.pid, workspaces: api.statuses().length };
    for (const [name, old, text] of [["deny.toml", "[bans]", "[bans"], ["Cargo.toml", '"0.3.44"', '"0.3.43"']]) {
      const uri = vscode.Uri.parse(`story-vfs://host/handshake/${name}`);
      const document = await vscode.workspace.openTextDocument(uri);
      await vscode.window.showTextDocument(document);
      await replace(document, old, text);
      assert(await document.save());
      assert(files.get(uri.path).toString().includes(text), "the file was not saved");
      const hovers = await vscode.commands.executeCommand("vscode.executeHoverProvider", uri, new vscode.Position(17, 1));
      assert.equal(hovers.length, 0);
      assert.deepEqual(vscode.languages.getDiagnostics(uri), []);
    }
    // The command uses the only workspace, since the active file is in none.
    await vscode.commands.executeCommand("supercargo.checkWorkspace");
    await waitForFindings("the findings of the files on disk", expected);
    assert.deepEqual({ pid: api.session.pid, workspaces: api.statuses().length }, before);
    assert.deepEqual(logged.filter((line) => line.startsWith("error")), []);
    logged.end();
    await vscode.commands.executeCommand("workbench.action.closeAllEditors");
    remote.dispose();
  });

  await step("other TOML files are ignored", async () => {
    const other = vscode.Uri.file(path.join(core, "pyproject.toml"));
    fs.writeFileSync(other.fsPath, '[dependencies]\ntime = "0.3.44"\n');
    await vscode.workspace.openTextDocument(other);
    const hovers = await vscode.commands.executeCommand("vscode.executeHoverProvider", other, new vscode.Position(1, 1));
    assert.equal(hovers.length, 0);
    fs.rmSync(other.fsPath);
  });
};
