// Prints each step when it ends, and a summary whose last line programs can read.

export class Report {
  passed = 0;
  failed = 0;
  skipped = 0;
  missing = [];
  start = Date.now();

  /** The steps of one editor. The first failure ends them, because later steps depend on earlier ones. */
  editor(name, version) {
    console.log(`\n== ${name}${version ? ` (${version})` : ""}`);
    return new Steps(this, name);
  }

  /** Skips an editor that cannot be installed; in CI this is a failure. */
  skipEditor(name, reason) {
    console.log(`\n== ${name}: skipped: ${reason}`);
    this.missing.push(name);
    this.skipped += 1;
    if (process.env.CI === "true") {
      console.log("   in CI every editor is required");
      this.failed += 1;
    }
  }

  end() {
    const seconds = ((Date.now() - this.start) / 1000).toFixed(0);
    console.log(`\n${seconds} s; ${this.skipped} skipped${this.missing.length ? `, missing: ${this.missing.join(", ")}` : ""}`);
    if (this.passed + this.failed === 0) this.failed = 1;
    console.log(`${this.passed} passed, ${this.failed} failed`);
    return this.failed === 0 ? 0 : 1;
  }
}

class Steps {
  constructor(report, editor) {
    this.report = report;
    this.editor = editor;
  }

  async step(name, action) {
    const start = Date.now();
    try {
      const note = await action();
      this.passed(name, (Date.now() - start) / 1000, typeof note === "string" ? note : undefined);
      return note;
    } catch (error) {
      this.failed(name, error.stack ?? String(error));
      throw new StepFailed();
    }
  }

  passed(name, seconds, note) {
    this.report.passed += 1;
    console.log(`   ok    ${name}${note ? `: ${note}` : ""}${seconds === undefined ? "" : ` (${seconds.toFixed(1)} s)`}`);
  }

  failed(name, reason) {
    this.report.failed += 1;
    console.log(`   FAIL  ${name}\n${indented(reason)}`);
  }

  skip(name, reason) {
    this.report.skipped += 1;
    console.log(`   skip  ${name}: ${reason}`);
  }
}

/** A step has failed, and its error has been printed. */
export class StepFailed extends Error {}

function indented(text) {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => `         ${line}`)
    .join("\n");
}
