// The diagnostics as the server published them, with their `data`: VS Code drops it.

import type { Diagnostic, Uri } from "vscode";

export interface FileDiagnostics {
  uri: Uri;
  diagnostics: Diagnostic[];
}

export class PublishedDiagnostics {
  private readonly files = new Map<string, FileDiagnostics>();

  /** Replaces the diagnostics of a file. */
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
