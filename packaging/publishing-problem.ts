/** What keeps a manifest from being published. */

/** The hosts that RFC 2606 and RFC 6761 keep for examples: an address there is nobody's. */
const PLACEHOLDER = /(?:^|[/.@])example\.(?:org|com|net)(?:[/:]|$)|\.(?:example|invalid|test)(?:[/:]|$)/;

/**
 * Says in one line what has to be set first, or gives `undefined`. The project has no public home yet, so its
 * `repository` is an example's address, and a package must not point its readers there.
 */
export function publishingProblem(manifest: {
  readonly repository: { readonly url: string };
}): string | undefined {
  const { url } = manifest.repository;
  if (!PLACEHOLDER.test(url)) return undefined;
  return `package.json: repository.url is the placeholder ${url}: set it to where the sources are, then publish`;
}
