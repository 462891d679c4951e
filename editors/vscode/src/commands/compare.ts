// The command "Compare with Base…": marks what is new since a branch, tag or commit.

import * as vscode from "vscode";
import type { Session } from "../session";

/** What users compare with most. The first one is the default branch of the remote. */
const COMMON = [
  { label: "origin/HEAD", description: "the default branch of the remote" },
  { label: "@{upstream}", description: "the branch that the current one tracks" },
  { label: "HEAD", description: "the last commit" },
];

interface Choice extends vscode.QuickPickItem {
  /** Empty for no comparison. */
  revision: string;
}

/** Compares with a revision until the setting changes; an empty one turns the comparison off. Without one, the user picks it. */
export async function compareWithBase(session: Session, revision?: string): Promise<void> {
  const chosen = revision ?? (await pick(session));
  if (chosen !== undefined) await session.compareWith(chosen);
}

function pick(session: Session): Promise<string | undefined> {
  const picker = vscode.window.createQuickPick<Choice>();
  picker.title = "Compare with Base";
  picker.placeholder = "Select or enter a branch, tag or commit";
  const known = choices(session);
  picker.items = known;
  picker.onDidChangeValue((value) => {
    const revision = value.trim();
    const isNew = revision !== "" && !known.some(({ label }) => label === revision);
    picker.items = isNew ? [{ label: revision, description: "compare with this revision", alwaysShow: true, revision }, ...known] : known;
  });
  return new Promise((resolve) => {
    picker.onDidAccept(() => {
      resolve(picker.selectedItems[0]?.revision);
      picker.hide();
    });
    picker.onDidHide(() => {
      resolve(undefined);
      picker.dispose();
    });
    picker.show();
  });
}

function choices(session: Session): Choice[] {
  const current = session.statuses().find(({ comparison }) => comparison)?.comparison?.base;
  const ofSetting = vscode.workspace.getConfiguration("supercargo").get<string>("base");
  const all: Choice[] = [];
  if (current !== undefined) all.push({ label: "$(close) Stop comparing", description: `now compared with ${current}`, revision: "" });
  if (ofSetting) all.push({ label: ofSetting, description: "the setting", revision: ofSetting });
  all.push(...COMMON.filter(({ label }) => label !== ofSetting).map((common) => ({ ...common, revision: common.label })));
  return all;
}
