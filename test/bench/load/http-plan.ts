/** What the processes of the relay's bench have in common. */
export interface HttpPlan {
  readonly ca: string;
  readonly certificate: { readonly key: string; readonly cert: string };
}

export const HTTP_NAME = "api.example.org";
/** Names below it are new to all. */
export const FRESH_BASE = "new.example.org";
export const EVENTS_PATH = "/events";
export const ANSWER = "hello world\n";
/** Followed by the number of octets that are asked for. */
export const BULK_PATH = "/octets/";
