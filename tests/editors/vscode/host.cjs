// Runs in VS Code's real extension host, with the extension under development. Each console line that begins with `@` is a step.
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

function tell(record) {
  console.log(`@${JSON.stringify(record)}`);
}

async function until(what, look, limit = LIMIT) {
  const end = Date.now() + limit;
  for (;;) {
    let answer;
    let reason = "";
    try {
      answer = await look();
    } catch (error) {
      reason = `: ${error.message}`;
    }
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`${what}: not within ${limit / 1000} s${reason}`);
    await new Promise((resume) => setTimeout(resume, 25));
  }
}

async function step(name, action) {
  const start = Date.now();
  try {
    const told = await action();
    tell({ name, seconds: (Date.now() - start) / 1000, told: typeof told === "string" ? told : undefined });
  } catch (error) {
    tell({ name, failed: error.stack });
    throw error;
  }
}

/** `line code` of every diagnostic of ours with a severity. */
function shown(uri = manifest, severity = vscode.DiagnosticSeverity.Error) {
  return vscode.languages
    .getDiagnostics(uri)
    .filter((one) => one.source === "supercargo" && one.severity === severity)
    .map((one) => `${one.range.start.line + 1} ${one.code.value ?? one.code}`)
    .sort();
}

const expected = ERRORS.map(({ line, code }) => `${line} ${code}`).sort();
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const without = (code) => expected.filter((one) => !one.endsWith(code));
const sees = (what, wanted) => until(`${what}: ${wanted.join(", ")}`, () => same(shown(), wanted) || assert.deepEqual(shown(), wanted));

/** The lines that go into a log from now on, each with its level. */
function listenTo(log) {
  const lines = [];
  const levels = ["error", "warn", "info", "debug", "trace"];
  const before = levels.map((level) => log[level]);
  for (const level of levels) {
    const tell = log[level].bind(log);
    log[level] = (words, ...more) => {
      lines.push(`${level} ${words}`);
      tell(words, ...more);
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

  await step("the extension is activated by the manifest in the folder, in less than 100 ms", async () => {
    await until("activation", () => extension.isActive);
    api = extension.exports;
    assert(api.activation < 100, `it took ${api.activation} ms`);
    return `${api.activation.toFixed(1)} ms for reading the bundle and answering`;
  });

  await step("findings are published on their lines", async () => {
    await vscode.window.showTextDocument(manifest);
    await sees("the findings", expected);
    await until("an exact verdict", () => api.gates().some(({ state }) => state === "exact"));
    for (const one of vscode.languages.getDiagnostics(manifest)) {
      if (/^RUSTSEC/.test(one.code.value)) assert.match(one.code.target.toString(), /^https:\/\/rustsec\.org\/advisories\//);
    }
  });

  await step("the status bar tells the gate and the database", async () => {
    assert.match(api.statusBar.text, /gate: 4 errors, 6 warnings/);
    assert.match(api.statusBar.tooltip.value, /advisories: 3 errors/);
    assert.match(api.statusBar.tooltip.value, /advisories of a folder/);
    return api.statusBar.text;
  });

  await step("the tree holds workspace, checks, findings and paths", async () => {
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
    assert.deepEqual(below(checks[2][1]).map(([{ label, description }]) => `${label}: ${description}`)[0], "hashbrown: is here in 2 versions: 0.14.5 and 0.17.1");
    const banned = below(checks[2][1]).map(([item, child]) => [item, below(child)]);
    const labels = banned.flatMap(([, children]) => children.map(([{ label }]) => label));
    assert(labels.some((label) => /hashbrown 0\.14\.5/.test(label)), labels.join(" | "));
    await vscode.commands.executeCommand(advisories[2][0].command.command, ...advisories[2][0].command.arguments);
    await until("its line is open", () => vscode.window.activeTextEditor?.selection.start.line === 17);
  });

  await step("the hover tells versions and the advisory", async () => {
    const [line] = shown().slice(-1)[0].split(" ");
    const hovers = await vscode.commands.executeCommand("vscode.executeHoverProvider", manifest, new vscode.Position(line - 1, 1));
    const text = hovers.flatMap(({ contents }) => contents.map(({ value }) => value)).join("\n");
    assert.match(text, /0\.3\.44/);
    assert.match(text, /RUSTSEC-2026-0009/);
  });

  await step("an unsaved edit of the policy changes findings", async () => {
    const disk = fs.readFileSync(policy.fsPath, "utf8");
    const document = await vscode.workspace.openTextDocument(policy);
    await replace(document, '"RUSTSEC-2024-0436",', '"RUSTSEC-2024-0436",\n    "RUSTSEC-2026-0009",');
    await sees("after the edit", without("RUSTSEC-2026-0009"));
    assert.equal(fs.readFileSync(policy.fsPath, "utf8"), disk);
    await replace(document, '\n    "RUSTSEC-2026-0009",', "");
    await sees("after its undo", expected);
    await document.save();
  });

  await step("a policy that is half typed leaves the counts in the status, and says where it is broken", async () => {
    const document = await vscode.workspace.openTextDocument(policy);
    const seen = [];
    const texts = setInterval(() => seen.at(-1) === api.statusBar.text || seen.push(api.statusBar.text), 1);
    await replace(document, '"RUSTSEC-2024-0436",', '"RUSTSEC-2024-0436",\n    "HALF');
    await until("the status", () => /4 errors, 6 warnings, deny\.toml broken at line 7/.test(api.statusBar.text));
    assert.match(api.statusBar.tooltip.value, /no verdict/);
    assert.match(api.statusBar.tooltip.value, /advisories: 3 errors/);
    assert.equal(api.statusBar.backgroundColor, undefined);
    assert.deepEqual(shown(policy).map((one) => one.split(" ")[1]), ["supercargo::policy-syntax"]);
    assert.match(api.report(), /"policyBroken": true/);
    await replace(document, '\n    "HALF', "");
    await until("the status", () => /gate: 4 errors, 6 warnings$/.test(api.statusBar.text));
    clearInterval(texts);
    assert(!seen.some((text) => /no verdict|clean/.test(text)), seen.join(" | "));
    await document.save();
    return seen.join(" | ");
  });

  await step("settings reach the server while it runs", async () => {
    const configuration = vscode.workspace.getConfiguration("supercargo");
    await configuration.update("codes", { duplicate: "off" }, vscode.ConfigurationTarget.Global);
    await until("duplicates are gone", () => !shown(manifest, vscode.DiagnosticSeverity.Warning).some((one) => one.endsWith("duplicate")));
    await configuration.update("codes", undefined, vscode.ConfigurationTarget.Global);
    await until("duplicates are back", () => shown(manifest, vscode.DiagnosticSeverity.Warning).some((one) => one.endsWith("duplicate")));
  });

  await step("a workspace cannot name a program", async () => {
    const folder = path.join(process.env.STORY_ROOT, ".vscode");
    fs.mkdirSync(folder);
    const before = api.session.pid;
    fs.writeFileSync(path.join(folder, "settings.json"), JSON.stringify({ "supercargo.server.path": "/bin/false", "supercargo.cargo": "/bin/false", "supercargo.notes": true }));
    await until("the workspace's settings are read", () => vscode.workspace.getConfiguration("supercargo").get("notes") === true);
    await sees("the findings", expected);
    assert.equal(api.session.pid, before);
    await api.session.restart();
    assert.equal(api.session.server.program, process.env.SUPERCARGO_TEST_SERVER);
    fs.rmSync(folder, { recursive: true });
    await until("they are gone", () => vscode.workspace.getConfiguration("supercargo").get("notes") === false);
    await sees("the findings", expected);
  });

  await step("`cargo update` in a terminal renews the findings", async () => {
    const cargo = (...words) => execFileSync("cargo", words, { cwd: core, stdio: "ignore" });
    cargo("update", "-p", "time", "--precise", "0.3.47");
    await sees("after the update", without("RUSTSEC-2026-0009"));
    cargo("update", "-p", "time", "--precise", "0.3.44");
    await sees("and back", expected);
  });

  await step("a killed server is started again and recovers", async () => {
    const before = api.session.pid;
    process.kill(before, "SIGKILL");
    await until("another server", () => api.session.health === "running" && api.session.pid !== before);
    await until("an exact verdict", () => api.gates().some(({ state }) => state === "exact"));
    await sees("the findings", expected);
    const document = await vscode.workspace.openTextDocument(manifest);
    await replace(document, "time = {", "# time = {");
    await sees("an edit is judged", without("RUSTSEC-2026-0009"));
    await replace(document, "# time = {", "time = {");
    await sees("and its undo", expected);
    await document.save();
  });

  await step("the report tells versions and no paths", () => {
    const text = api.report();
    assert.match(text, /extension: \d+\.\d+\.\d+/);
    assert.match(text, /server: \d+\.\d+\.\d+ \(test\), running/);
    assert(!text.includes(core), text);
    assert.match(text, /"db": "\(a path\)"/);
  });

  const POLICY_STEP = "the policy is completed, explained, left for what it names, and told in symbols and lenses";
  await step(POLICY_STEP, async () => {
    const document = await vscode.workspace.openTextDocument(policy);
    await vscode.window.showTextDocument(document);
    const before = document.getText();
    const at = (words) => document.positionAt(document.getText().indexOf(words));
    const offered = async (position) => {
      const list = await vscode.commands.executeCommand("vscode.executeCompletionItemProvider", policy, position);
      return list.items.map(({ label }) => label.label ?? label);
    };
    await replace(document, '    "Apache-2.0",', '    "BSL",\n    "Apache-2.0",');
    const license = await until("licenses", async () => {
      const all = await offered(at("BSL").translate(0, 3));
      return all.some((one) => one.startsWith("BSL-1.0")) && all;
    });
    await replace(document, '    "BSL",\n', "");
    await replace(document, "[bans]\n", '[bans]\nhigh\nskip = ["time"]\n');
    const keys = await until("keys", async () => {
      const all = await offered(at("high").translate(0, 4));
      return all.includes("highlight") && all;
    });
    await replace(document, "high\n", "");
    const targets = await until("the definition of `time`", async () => {
      const all = await vscode.commands.executeCommand("vscode.executeDefinitionProvider", policy, at('"time"').translate(0, 2));
      return all.length > 0 && all;
    });
    const [target] = targets.map((one) => ({ uri: one.targetUri ?? one.uri, range: one.targetSelectionRange ?? one.targetRange ?? one.range }));
    assert.equal(target.uri.fsPath, manifest.fsPath);
    assert.equal(target.range.start.line, 17);
    await replace(document, 'skip = ["time"]\n', "");
    assert.equal(document.getText(), before);

    const hovers = await vscode.commands.executeCommand("vscode.executeHoverProvider", policy, at("RUSTSEC-2023-0071").translate(0, 3));
    const text = hovers.flatMap(({ contents }) => contents.map(({ value }) => value)).join("\n");
    assert.match(text, /RUSTSEC-2023-0071/);
    assert.match(text, /rsa/);
    const symbols = await vscode.commands.executeCommand("vscode.executeDocumentSymbolProvider", policy);
    assert.deepEqual(symbols.map(({ name }) => name), ["advisories", "licenses", "bans", "sources"]);
    const lenses = await until("lenses of entries", async () => {
      const all = await vscode.commands.executeCommand("vscode.executeCodeLensProvider", policy, 100);
      const told = all.map(({ range, command }) => `${range.start.line + 1} ${command?.title}`);
      return told.some((one) => /^6 .*suppress/.test(one)) && told;
    });
    await document.save();
    return `${license.length} licenses, ${keys.length} keys, ${lenses.length} lenses, of them: ${lenses[1]}`;
  });

  await step("an ignore shows its reason, selected, to be written", async () => {
    const document = await vscode.workspace.openTextDocument(policy);
    const before = document.getText();
    await vscode.window.showTextDocument(manifest);
    const [place] = vscode.languages.getDiagnostics(manifest).filter((one) => one.code?.value === "RUSTSEC-2026-0009");
    const action = await until("the last resort", async () => {
      const all = await vscode.commands.executeCommand("vscode.executeCodeActionProvider", manifest, place.range, "quickfix", 32);
      return all.filter(({ title, edit }) => title.startsWith("ignore `RUSTSEC-2026-0009`") && edit).pop();
    }, 4 * LIMIT);
    assert(await vscode.workspace.applyEdit(action.edit));
    await vscode.commands.executeCommand(action.command.command, ...action.command.arguments);
    const editor = await until("the policy in front", () => {
      const front = vscode.window.activeTextEditor;
      return front?.document.uri.fsPath === policy.fsPath && !front.selection.isEmpty && front;
    });
    assert.equal(document.getText(editor.selection), "TODO: why this is acceptable");
    await sees("the finding is ignored", without("RUSTSEC-2026-0009"));
    await vscode.commands.executeCommand("undo");
    assert.equal(document.getText(), before);
    await sees("and its undo", expected);
    await document.save();
    return action.title;
  });

  await step("a server that ends in a loop is left alone in the end, and says so", async () => {
    const logged = listenTo(api.session.log);
    await api.session.restart();
    await until("it runs", () => api.session.health === "running");
    for (let ends = 0; !api.session.trouble; ends++) {
      assert(ends < 6, "it is started again and again");
      const pid = await until("a server", () => (api.session.trouble ? -1 : api.session.health === "running" && api.session.pid));
      if (pid === -1) break;
      process.kill(pid, "SIGKILL");
      await until("it is gone", () => api.session.health !== "running" || api.session.pid !== pid);
    }
    assert.match(api.session.trouble, /ended 5 times within three minutes and is left alone; the last time by SIGKILL after \d+\.\d s \(process \d+\)/);
    const ends = logged.filter((line) => /^warn the server ended by SIGKILL after \d+\.\d s \(process \d+\); it is (started again|left alone)/.test(line));
    assert.equal(ends.length, 5, logged.join("\n"));
    assert(logged.some((line) => /^error The server ended 5 times/.test(line)), logged.join("\n"));
    assert.match(api.statusBar.text, /no server/);
    // A click on it opens the log.
    assert.equal(api.statusBar.command, "supercargo.showLog");
    assert.match(api.statusBar.tooltip.value, /command:supercargo\.restart/);
    assert.match(api.report(), /trouble: The server ended 5 times/);
    const configured = process.env.SUPERCARGO_TEST_SERVER;
    const file = path.join(process.env.STORY_FOLDER, "ends-at-once");
    fs.writeFileSync(file, "#!/bin/sh\necho 'first' >&2\necho 'the disk is full' >&2\nexit 3\n", { mode: 0o755 });
    process.env.SUPERCARGO_TEST_SERVER = file;
    logged.length = 0;
    await api.session.restart();
    await until("one that ends at once is left alone, too", () => /ended 5 times/.test(api.session.trouble));
    assert.match(api.session.trouble, /the last time with exit code 3 after \d+\.\d s .*, its last words: the disk is full$/);
    assert.equal(logged.filter((line) => line === "error the disk is full").length, 5, logged.join("\n"));
    logged.end();
    process.env.SUPERCARGO_TEST_SERVER = configured;
    await api.session.restart();
    await sees("after a restart by hand", expected);
  });

  await step("programs that cannot be the server are refused with what to do", async () => {
    const configured = process.env.SUPERCARGO_TEST_SERVER;
    const file = path.join(process.env.STORY_FOLDER, "no-server");
    const refused = async (program, words) => {
      process.env.SUPERCARGO_TEST_SERVER = program;
      await api.session.restart();
      assert.match(api.session.trouble ?? "none", words);
    };
    await refused("/nowhere/supercargo", /There is no program/);
    await refused("supercargo", /not an absolute path/);
    fs.writeFileSync(file, "text", { mode: 0o644 });
    await refused(file, /may not be run/);
    const header = Buffer.alloc(128);
    header.writeUInt32BE(0x7f454c46, 0);
    header[5] = 1;
    header.writeUInt16LE(process.arch === "x64" ? 0xb7 : 0x3e, 18);
    fs.writeFileSync(file, header);
    fs.chmodSync(file, 0o755);
    await refused(file, /is made for (arm64|x64), and this machine is/);
    header.writeUInt32BE(0xcffaedfe, 0);
    fs.writeFileSync(file, header);
    await refused(file, /is made for macOS, and this is Linux/);
    // A shell would be given it by the system.
    fs.writeFileSync(file, "supercargo\n", { mode: 0o755 });
    await refused(file, /is no program/);
    fs.writeFileSync(file, "#!/nowhere/interpreter\n");
    await refused(file, /The server did not start: what `.*` itself is run by.*is not on this machine: install the build for this system/);
    // As when a download has been broken off.
    fs.writeFileSync(file, fs.readFileSync(configured).subarray(0, 200_000));
    await refused(file, /is not whole, its end is missing: install the one for this machine/);
    // What says nothing of its own.
    fs.writeFileSync(file, "#!/bin/sh\nexec cat\n");
    await refused(file, /The server did not start/);
    process.env.SUPERCARGO_TEST_SERVER = configured;
    await api.session.restart();
    assert.equal(api.session.trouble, undefined);
    await sees("the findings", expected);
  });

  await step("a server of another version is named, and works as far as it can", async () => {
    const configured = process.env.SUPERCARGO_TEST_SERVER;
    const { version } = extension.packageJSON;
    const file = path.join(process.env.STORY_FOLDER, "other-version");
    for (const [other, words] of [["0.0.1", /supercargo 0\.0\.1, older than this extension .*update it/], ["9.0.0", /supercargo 9\.0\.0, newer than this extension .*update the extension/]]) {
      // The real server, which says that it is another.
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
      assert.match(api.session.complaint, words);
      await sees("the findings", expected);
      await until("the tooltip", () => words.test(api.statusBar.tooltip.value.replaceAll("&nbsp;", " ").replaceAll("\\", "")));
      assert.match(api.report(), words);
    }
    process.env.SUPERCARGO_TEST_SERVER = configured;
    await api.session.restart();
    assert.equal(api.session.complaint, undefined);
    await sees("the findings", expected);
  });

  await step("settings of a wrong type change nothing, and the server goes on", async () => {
    const configuration = vscode.workspace.getConfiguration("supercargo");
    const before = api.session.pid;
    const wrong = { codes: "all", debounce: "soon", exclude: 7, notes: "yes", "checks.bans": [], "server.path": 5, cargo: {} };
    for (const [name, value] of Object.entries(wrong)) await configuration.update(name, value, vscode.ConfigurationTarget.Global);
    const document = await vscode.workspace.openTextDocument(manifest);
    await replace(document, "time = {", "# time = {");
    await sees("an edit is judged", without("RUSTSEC-2026-0009"));
    await replace(document, "# time = {", "time = {");
    await sees("and its undo", expected);
    await document.save();
    assert.equal(api.session.pid, before);
    // They hold from the first moment, too.
    await api.session.restart();
    await sees("the findings", expected);
    assert.equal(api.session.trouble, undefined);
    for (const name of Object.keys(wrong)) await configuration.update(name, undefined, vscode.ConfigurationTarget.Global);
    await sees("the findings", expected);
  });

  await step("what is not on a disk is left alone, and virtual workspaces are told why", async () => {
    const { supported, description } = extension.packageJSON.capabilities.virtualWorkspaces;
    assert.equal(supported, false);
    assert.match(description, /Clone the repository/);
    const provider = { provideTextDocumentContent: () => fs.readFileSync(manifest.fsPath, "utf8") };
    const registered = vscode.workspace.registerTextDocumentContentProvider("story", provider);
    const virtual = vscode.Uri.parse("story:/handshake/Cargo.toml");
    await vscode.window.showTextDocument(virtual);
    const hovers = await vscode.commands.executeCommand("vscode.executeHoverProvider", virtual, new vscode.Position(17, 1));
    assert.equal(hovers.length, 0);
    assert.deepEqual(shown(virtual), []);
    assert.equal(api.gates().length, 1);
    registered.dispose();
  });

  await step("a file system that is no disk is left alone, also by what is asked of it", async () => {
    const files = new Map([
      ["/handshake/Cargo.toml", fs.readFileSync(manifest.fsPath)],
      ["/handshake/deny.toml", fs.readFileSync(policy.fsPath)],
    ]);
    const changes = new vscode.EventEmitter();
    const found = (uri) => {
      if (!files.has(uri.path)) throw vscode.FileSystemError.FileNotFound(uri);
      return files.get(uri.path);
    };
    const remote = vscode.workspace.registerFileSystemProvider("story-vfs", {
      onDidChangeFile: changes.event,
      watch: () => ({ dispose() {} }),
      stat: (uri) => ({ type: vscode.FileType.File, ctime: 0, mtime: 0, size: found(uri).length }),
      readFile: found,
      writeFile: (uri, content) => void files.set(uri.path, content),
      readDirectory: () => [...files.keys()].map((path) => [path.split("/").pop(), vscode.FileType.File]),
      createDirectory() {},
      delete() {},
      rename() {},
    });
    const logged = listenTo(api.session.log);
    const before = { pid: api.session.pid, gates: api.gates().length };
    for (const [at, old, text] of [["deny.toml", "[bans]", "[bans"], ["Cargo.toml", '"0.3.44"', '"0.3.43"']]) {
      const uri = vscode.Uri.parse(`story-vfs://host/handshake/${at}`);
      const document = await vscode.workspace.openTextDocument(uri);
      await vscode.window.showTextDocument(document);
      await replace(document, old, text);
      assert(await document.save());
      assert(files.get(uri.path).toString().includes(text), "it was not saved");
      const hovers = await vscode.commands.executeCommand("vscode.executeHoverProvider", uri, new vscode.Position(17, 1));
      assert.equal(hovers.length, 0);
      assert.deepEqual(vscode.languages.getDiagnostics(uri), []);
    }
    // With it in front, a question is about what can be judged.
    await vscode.commands.executeCommand("supercargo.checkWorkspace");
    await sees("the findings on the disk", expected);
    assert.deepEqual({ pid: api.session.pid, gates: api.gates().length }, before);
    assert.deepEqual(logged.filter((line) => line.startsWith("error")), []);
    logged.end();
    await vscode.commands.executeCommand("workbench.action.closeAllEditors");
    remote.dispose();
  });

  await step("other TOML files are left alone", async () => {
    const other = vscode.Uri.file(path.join(core, "pyproject.toml"));
    fs.writeFileSync(other.fsPath, '[dependencies]\ntime = "0.3.44"\n');
    await vscode.workspace.openTextDocument(other);
    const hovers = await vscode.commands.executeCommand("vscode.executeHoverProvider", other, new vscode.Position(1, 1));
    assert.equal(hovers.length, 0);
    fs.rmSync(other.fsPath);
  });
};
