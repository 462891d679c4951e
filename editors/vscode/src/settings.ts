// The settings that the server is told: those of its schema, and nothing else of ours.

import * as vscode from "vscode";
import { chosenProgram } from "./server";
import names from "./settings.json";

/** The value of every setting that the server reads from the client's configuration. */
export function serverSettings(scope?: vscode.ConfigurationScope): Record<string, unknown> {
  const configuration = vscode.workspace.getConfiguration("supercargo", scope);
  const told: Record<string, unknown> = {};
  for (const name of names) {
    // Empty is how a path is left out in the settings' editor.
    const value: unknown = configuration.get(name);
    if (value !== null && value !== undefined && value !== "") told[name] = value;
  }
  return told;
}

/** What the server has to know from the first moment, and what only the user may decide. */
export function initializationOptions(): Record<string, unknown> {
  const cargo = chosenProgram("cargo");
  return { ...serverSettings(), ...(cargo ? { cargo } : {}), trusted: vscode.workspace.isTrusted };
}
