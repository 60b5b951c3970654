/**
 * Which request headers a placeholder may be filled in: those whose name says that they hold the host's own
 * credential. Servers keep or show many others (an object's metadata, its tags, a title, a client's address),
 * and hand some on to a place that the request names: who reads them there has the secret.
 *
 * So a name has to be known, or to be made of a credential's word and of words that say whose it is. A host
 * with another header has it named by its user.
 */

/** As the last word of a name: `X-Auth-Token`, `Ocp-Apim-Subscription-Key`, `CB-ACCESS-PASSPHRASE`. */
const CREDENTIALS: ReadonlySet<string> = wordsOf("token key secret password passwd passphrase jwt apikeys");

/** The same as one word: `apikey`, `X-AccessToken`, `apiSecretAccessKey`. */
const JOINED =
  /^(?:access|api|app|auth|bearer|client|private|secret|service|session|subscription|user)+(?:token|key|secret|password)$/;

/** As the last word too, but only behind these: a gateway hands on what is `Its-Prefix-Authorization`. */
const AUTHORIZATIONS: ReadonlySet<string> = wordsOf("auth oauth authorization authorisation authentication");
const OF_THE_HOST: ReadonlySet<string> = wordsOf("x api app http user client service serverless session");

/** Credentials whose names do not say so, or not whose they are. */
const NAMED: ReadonlySet<string> = wordsOf(
  "apca-api-key-id apiaccesskeyid cf-access-client-id cf-access-jwt-assertion cf-aig-authorization " +
    "helicone-auth job-token user-key x-emby-authorization x-goog-iap-jwt-assertion x-honeycomb-team " +
    "x-ibm-client-id x-jfrog-art-api x-ms-authorization-auxiliary x-n8n-authorization x-redlock-auth " +
    "x-sentry-auth x-tableau-auth x-user-token user-token x-serverless-authorization",
);

/** Before the last word: it says which thing is meant or whose turn it is, and often comes back. */
const OF_THINGS: ReadonlySet<string> = wordsOf(
  "action activation album archive article artifact asset attachment batch blob board branch bucket " +
    "build cache card cart cdn channel chat collection comment config confirmation contact content " +
    "continuation correlation csrf cursor data dataset dedup dedupe deduplication device dir directory " +
    "doc document download draft edge email entity entry env environment event export feed field file " +
    "folder foreign form game gpg group guest hash host idempotency idempotent image import index " +
    "invitation invite item job join kms kv layer link list listing lock lookup mail media meeting member " +
    "message metric model next node note notification object order package page pagination parent part " +
    "partition payload payment pdf pgp photo playback pod post postman preview primary product profile " +
    "project public publishable push queue range record ref referral registration repo repository request " +
    "reset resource resume revision room route routing row sas schema scope segment shard share shared " +
    "signature site slot snapshot sort space ssh state storage store stream surrogate sync tab table task " +
    "tenant thread thumbnail ticket topic trace tracking transaction translation tree unsubscribe upload " +
    "url user validation variant verification version video viewer volume watch workspace xsrf",
);

/**
 * Anywhere in a name: what a client says of a thing that it stores, as `X-Amz-Meta-Api-Key`, what is handed
 * on to other services, and what is for another place than this host, as `Upstash-Forward-Authorization`.
 * `spb` and `ant` are prefixes of scrapers, `ce` of events.
 */
const FOR_OTHERS: ReadonlySet<string> = wordsOf(
  "ant attribute attributes audit backend baggage behalf callback callbacks ce copy cors custom " +
    "delegate delegated dest destination downstream egress endpoint external failover forward forwarded " +
    "forwarding fwd header headers hook hooks info inject injected label labels metadata mirror notify " +
    "onward origin original outbound outgoing passthrough passthru peer properties property proxied proxy " +
    "redirect registry relay relayed remote replica replicate replication source spb subscriber tag " +
    "tagging tags target thirdparty transfer tunnel uberctx upstream via webhook webhooks",
);

/** Of HTTP itself, of proxies, and of what browsers say. */
const OF_HTTP = /^(?:proxy|x-forwarded|accept|content|if|sec|access-control)-/;

/** `name` in lower case, with `-` for `_`. */
export function isCredentialHeader(name: string): boolean {
  if (NAMED.has(name)) return true;
  const words = name.split("-");
  if (OF_HTTP.test(name) || words.some((word) => FOR_OTHERS.has(word) || /^meta\d*$/.test(word)))
    return false;
  const [last = "", before = ""] = words.toReversed();
  if (AUTHORIZATIONS.has(last)) return words.slice(0, -1).every((word) => OF_THE_HOST.has(word));
  return (CREDENTIALS.has(last) || JOINED.test(last)) && !OF_THINGS.has(before);
}

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.split(" "));
}
