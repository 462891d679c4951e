// The diagnostics as the server published them, with their data: those of VS Code keep none.

import type { Diagnostic, Uri } from "vscode";

export interface FileDiagnostics {
  uri: Uri;
  diagnostics: Diagnostic[];
}

export class Published {
  private readonly files = new Map<string, FileDiagnostics>();

  /** What holds of a file from now on. */
  set(uri: Uri, diagnostics: Diagnostic[]): void {
    if (diagnostics.length) this.files.set(uri.toString(), { uri, diagnostics });
    else this.files.delete(uri.toString());
  }

  clear(): void {
    this.files.clear();
  }

  all(): FileDiagnostics[] {
    return [...this.files.values()];
  }
}
