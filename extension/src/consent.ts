/**
 * The question for consent, word for word, and where its answers lead.
 *
 * Whether and when it is asked is the server's to decide: at most twice, after a week of use, and only where a yes
 * would change anything. Never imports `vscode`.
 */

export const NOT_NOW = "Not Now";
export const SEE = "See What Is Sent";
export const CHOOSE = "Choose…";

export interface Asking {
  /** Shows the question and resolves to an answer; undefined where it was closed. */
  readonly ask: (question: string, ...answers: readonly string[]) => Thenable<string | undefined>;
  /** Opens what would be sent. */
  readonly look: () => Thenable<void>;
  /** Lets the user choose how much. */
  readonly choose: () => Thenable<void>;
}

/** Asks until there is an answer: whoever looks first is asked again. Nothing but a choice switches anything on. */
export async function askForConsent(recipients: readonly string[], { ask, look, choose }: Asking): Promise<void> {
  let answer = await ask(question(recipients), NOT_NOW, SEE, CHOOSE);
  while (answer === SEE) {
    await look();
    answer = await ask(question(recipients), NOT_NOW, SEE, CHOOSE);
  }
  if (answer === CHOOSE) {
    await choose();
  }
}

function question(recipients: readonly string[]): string {
  const makers = recipients.length > 1 ? `${recipients.slice(0, -1).join(", ")} and ${recipients.at(-1) ?? ""}` : (recipients[0] ?? "nobody");
  return `May ${makers} hear what helped you and what did not? Never code, paths or text that you wrote. You can take it back at any time.`;
}
