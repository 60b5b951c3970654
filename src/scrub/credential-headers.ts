/**
 * Which request headers a placeholder may be filled in: those whose name says that they hold a credential.
 * Servers keep or show many others (an object's metadata, its tags, a title, a client's address), and who
 * reads them back by another way has the secret.
 */

/** As the last word of a name: `X-Auth-Token`, `Ocp-Apim-Subscription-Key`, `X-Serverless-Authorization`. */
const CREDENTIALS: ReadonlySet<string> = wordsOf(
  "auth oauth authorization authorisation authentication token key secret password passwd passphrase jwt apikeys",
);

/** The same as one word: `apikey`, `X-AccessToken`, `apiSecretAccessKey`. */
const JOINED =
  /^(?:access|api|app|auth|bearer|client|private|secret|service|session|subscription|user)+(?:token|key|secret|password)$/;

/** Credentials whose names do not say so. */
const NAMED: ReadonlySet<string> = wordsOf(
  "apca-api-key-id apiaccesskeyid cf-access-client-id cf-access-jwt-assertion x-goog-iap-jwt-assertion " +
    "x-honeycomb-team x-ibm-client-id x-jfrog-art-api x-ms-authorization-auxiliary",
);

/** Before `key` or `token`: it says which thing is meant or whose turn it is, and often comes back. */
const OF_THINGS: ReadonlySet<string> = wordsOf(
  "bucket cache continuation correlation csrf cursor dedup dedupe deduplication device event file foreign group " +
    "gpg hash host idempotency idempotent index kms lock lookup message next object page pagination partition pgp " +
    "postman primary public publishable push range record request routing row shard site sort ssh surrogate sync " +
    "trace tracking translation xsrf",
);

/**
 * Anywhere in a name: what a client says of a thing that it stores, as `X-Amz-Meta-Api-Key`, and what is
 * handed on to other services.
 */
const DESCRIBING: ReadonlySet<string> = wordsOf(
  "attribute attributes audit baggage info label labels metadata properties property tag tags tagging uberctx",
);

/** Of HTTP itself, of proxies, and of what browsers say. */
const OF_HTTP = /^(?:proxy|x-forwarded|accept|content|if|sec|access-control)-/;

/** `name` in lower case, with `-` for `_`. */
export function isCredentialHeader(name: string): boolean {
  if (NAMED.has(name)) return true;
  const words = name.split("-");
  if (OF_HTTP.test(name) || words.some((word) => DESCRIBING.has(word) || /^meta\d*$/.test(word)))
    return false;
  const [last = "", before = ""] = words.reverse();
  if (last === "key" || last === "token") return !OF_THINGS.has(before);
  return CREDENTIALS.has(last) || JOINED.test(last);
}

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.split(" "));
}
