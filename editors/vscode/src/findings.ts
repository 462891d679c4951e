// The findings that the server has published, grouped: workspaces, checks, findings with their places.

import * as vscode from "vscode";
import { SOURCE, type Status } from "./protocol";

export type Check = "advisories" | "licenses" | "bans" | "sources" | "other";

export const CHECKS: Check[] = ["advisories", "licenses", "bans", "sources", "other"];

export interface Place {
  uri: vscode.Uri;
  diagnostic: vscode.Diagnostic;
  /** The packages from the declaration to the one that the finding is about: `sqlx 0.8.0`, `rsa 0.9.10`. */
  path: string[];
  /** `and 4 other paths`, where there are some. */
  others?: string;
}

export interface Finding {
  code: string;
  /** The page about the code. */
  link?: vscode.Uri;
  check: Check;
  severity: vscode.DiagnosticSeverity;
  /** What is wrong, without the path and the remedy. */
  message: string;
  remedy?: string;
  places: Place[];
}

export interface Workspace {
  folder: vscode.Uri;
  status?: Status;
  findings: Finding[];
}

/** Everything that is published now; files outside of every known workspace make one of their folder. */
export function workspaces(gates: Status[]): Workspace[] {
  const known: Workspace[] = gates.map((status) => ({ folder: vscode.Uri.parse(status.workspace), status, findings: [] }));
  known.sort((a, b) => a.folder.path.localeCompare(b.folder.path));
  for (const [uri, diagnostics] of vscode.languages.getDiagnostics()) {
    for (const diagnostic of diagnostics) {
      if (diagnostic.source === SOURCE) add(owner(known, uri), uri, diagnostic);
    }
  }
  for (const { findings } of known) findings.sort((a, b) => a.severity - b.severity || a.message.localeCompare(b.message));
  return known;
}

function owner(known: Workspace[], uri: vscode.Uri): Workspace {
  const above = known.filter(({ folder }) => uri.path.startsWith(`${folder.path.replace(/\/$/, "")}/`));
  const nearest = above.sort((a, b) => b.folder.path.length - a.folder.path.length)[0];
  // A policy may stand above the workspaces that it rules.
  if (nearest) return nearest;
  if (known.length === 1) return known[0];
  const made = { folder: vscode.Uri.joinPath(uri, ".."), findings: [] };
  known.push(made);
  return made;
}

function add(workspace: Workspace, uri: vscode.Uri, diagnostic: vscode.Diagnostic): void {
  const { message, remedy, path, others } = parts(diagnostic.message);
  const { code, link } = codeOf(diagnostic);
  const place: Place = { uri, diagnostic, path, others };
  const same = workspace.findings.find((one) => one.code === code && one.message === message);
  if (same) {
    same.places.push(place);
    same.severity = Math.min(same.severity, diagnostic.severity);
    return;
  }
  workspace.findings.push({ code, link, check: checkOf(code, link), severity: diagnostic.severity, message, remedy, places: [place] });
}

/** The parts of a message as the server writes it: `WHAT, via a 1.0 -> b 2.0 (and 4 other paths); REMEDY`. */
export function parts(text: string): { message: string; remedy?: string; path: string[]; others?: string } {
  const found = /^(.*?)(?:, via ([^;]*? -> [^;]*?)(?: \((and \d+ other paths?)\))?)?(?:; ([^;]*))?$/s.exec(text);
  if (!found) return { message: text, path: [] };
  const [, message, via, others, remedy] = found;
  return { message, remedy, others, path: via ? via.split(" -> ") : [] };
}

/** The package that a message speaks of, and what it says of it: for lists, where the first words are what one sees. */
export function subject(message: string): { name: string; rest: string } {
  const found = /^(?:(.*?) (?:of|for) )?`([^`]+)`(?: (\d\S*?))?(?=[ :,;]|$)(.*)$/s.exec(message);
  if (!found) return { name: message.replaceAll("`", ""), rest: "" };
  const [, before = "", name, version, after] = found;
  const told = after.replace(/^ (?:has a vulnerability: |is here in |: ?)?|^: /, "");
  return { name: version ? `${name} ${version}` : name, rest: `${before} ${told}`.trim().replaceAll("`", "") };
}

function codeOf({ code }: vscode.Diagnostic): { code: string; link?: vscode.Uri } {
  if (typeof code === "object") return { code: String(code.value), link: code.target };
  return { code: code === undefined ? "" : String(code) };
}

/** Advisories have their own ids; of other codes the page tells the check. */
function checkOf(code: string, link: vscode.Uri | undefined): Check {
  if (/^(RUSTSEC|CVE|GHSA)-/.test(code)) return "advisories";
  const named = /\/checks\/(advisories|licenses|bans|sources)\//.exec(link?.path ?? "")?.[1];
  return (named as Check | undefined) ?? "other";
}

/** How many errors and warnings there are. */
export function count(findings: Finding[]): { errors: number; warnings: number } {
  const of = (severity: vscode.DiagnosticSeverity) => findings.filter((one) => one.severity === severity).length;
  return { errors: of(vscode.DiagnosticSeverity.Error), warnings: of(vscode.DiagnosticSeverity.Warning) };
}

/** `4 errors, 1 warning`; empty where there is nothing. */
export function counted({ errors, warnings }: { errors: number; warnings: number }): string {
  const words = (number: number, word: string) => (number ? [`${number} ${word}${number === 1 ? "" : "s"}`] : []);
  return [...words(errors, "error"), ...words(warnings, "warning")].join(", ");
}
