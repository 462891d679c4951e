// What was tested, said while it happens; the last line is for programs.

export class Report {
  passed = 0;
  failed = 0;
  skipped = 0;
  missing = [];
  start = Date.now();

  /** The steps of one editor. The first that fails ends them: what follows would only repeat its message. */
  editor(name, version) {
    console.log(`\n== ${name}${version ? ` (${version})` : ""}`);
    return new Steps(this, name);
  }

  /** An editor that is not here and cannot be had. */
  without(name, reason) {
    console.log(`\n== ${name}: skipped: ${reason}`);
    this.missing.push(name);
    this.skipped += 1;
    if (process.env.CI === "true") {
      console.log("   this run is for CI, where every editor has to be there");
      this.failed += 1;
    }
  }

  end() {
    const seconds = ((Date.now() - this.start) / 1000).toFixed(0);
    console.log(`\n${seconds} s; ${this.skipped} skipped${this.missing.length ? `, of them all of ${this.missing.join(", ")}` : ""}`);
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
      const told = await action();
      this.passed(name, (Date.now() - start) / 1000, typeof told === "string" ? told : undefined);
      return told;
    } catch (error) {
      this.failed(name, error.stack ?? String(error));
      throw new Ended();
    }
  }

  passed(name, seconds, told) {
    this.report.passed += 1;
    console.log(`   ok    ${name}${told ? `: ${told}` : ""}${seconds === undefined ? "" : ` (${seconds.toFixed(1)} s)`}`);
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

/** The steps of an editor have ended, and why has been said. */
export class Ended extends Error {}

function indented(text) {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => `         ${line}`)
    .join("\n");
}
