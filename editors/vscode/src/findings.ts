// The findings that the server has published, grouped: workspaces, checks, findings with their places.

import * as vscode from "vscode";
import type { Data, Status } from "./protocol";
import type { FileDiagnostics } from "./published";

export type Check = "advisories" | "licenses" | "bans" | "sources" | "other";

export const CHECKS: Check[] = ["advisories", "licenses", "bans", "sources", "other"];

export interface Place {
  uri: vscode.Uri;
  diagnostic: vscode.Diagnostic;
  /** The packages from a member of the workspace to the one that the finding is about, each `name version`. */
  path: string[];
  /** How many other paths lead there. */
  otherPaths: number;
}

export interface Finding {
  code: string;
  /** The page about the code. */
  link?: vscode.Uri;
  check: Check;
  severity: vscode.DiagnosticSeverity;
  /** What is wrong, without the path and the remedy. */
  message: string;
  /** The title of the advisory. */
  title?: string;
  package?: { name: string; version: string };
  remedy?: string;
  places: Place[];
}

export interface Workspace {
  folder: vscode.Uri;
  status?: Status;
  findings: Finding[];
}

/** Everything that is published; files outside of every known workspace make one of their folder. */
export function workspaces(gates: Status[], published: FileDiagnostics[]): Workspace[] {
  const known: Workspace[] = gates.map((status) => ({ folder: vscode.Uri.parse(status.workspace), status, findings: [] }));
  known.sort((a, b) => a.folder.path.localeCompare(b.folder.path));
  for (const { uri, diagnostics } of published) {
    for (const diagnostic of diagnostics) add(owner(known, uri), uri, diagnostic);
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
  // A server that says nothing of the parts leaves the message as it is.
  const data: Partial<Data> = (diagnostic as { data?: Partial<Data> }).data ?? {};
  const message = data.message ?? diagnostic.message;
  const { code, link } = codeOf(diagnostic);
  const place: Place = { uri, diagnostic, path: data.path ?? [], otherPaths: data.otherPaths ?? 0 };
  const same = workspace.findings.find((one) => one.code === code && one.message === message);
  if (same) {
    same.places.push(place);
    same.severity = Math.min(same.severity, diagnostic.severity);
    return;
  }
  workspace.findings.push({
    code,
    link,
    check: CHECKS.find((check) => check === data.check) ?? "other",
    severity: diagnostic.severity,
    message,
    title: data.title ?? undefined,
    package: data.package ?? undefined,
    remedy: data.remedy ?? undefined,
    places: [place],
  });
}

/** What a list shows of a finding: the package, and what there is to say of it. */
export function subject(finding: Finding): { name: string; rest: string } {
  const message = finding.message.replaceAll("`", "");
  if (!finding.package) return { name: message, rest: "" };
  const { name, version } = finding.package;
  // What is about several versions of a package names none of them at first.
  const first = [`${name} ${version}`, name].find((words) => message.includes(words)) ?? name;
  const rest = message.startsWith(`${first} `) ? message.slice(first.length + 1) : message;
  return { name: first, rest: finding.title ?? rest };
}

function codeOf({ code }: vscode.Diagnostic): { code: string; link?: vscode.Uri } {
  if (typeof code === "object") return { code: String(code.value), link: code.target };
  return { code: code === undefined ? "" : String(code) };
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
