/**
 * Where a system keeps all roots that TLS trusts, as one file in PEM; the first that is there counts. Debian
 * and its kin, Red Hat's, SUSE, OpenELEC, Red Hat's newer ones, Alpine: those of Go's crypto/x509.
 */
export const SYSTEM_BUNDLES: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];
