/** Why a message does not pass: the status and the text that the client is told, one line. */
export interface Refusal {
  readonly kind: "refused";
  readonly status: number;
  readonly text: string;
}

export function refuse(status: number, text: string): Refusal {
  return { kind: "refused", status, text };
}
