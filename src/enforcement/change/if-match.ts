/**
 * Whether an If-Match header holds for an entity tag (RFC 9110 section 13.1.1): `*`, or a list with the very
 * same strong tag. Weak tags never match, and neither does what is not a tag: when in doubt the change is
 * refused.
 */
export function etagMatches(ifMatch: string, etag: string): boolean {
  if (ifMatch.trim() === "*") return true;
  return ifMatch.split(",").some((tag) => tag.trim() === etag);
}
