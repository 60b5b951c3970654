import type { SettingCase } from "./setting-case.ts";

const THIRTEEN = "8001,8002,8003,8004,8005,8006,8007,8008,8009,8010,8011,8012,8013";

/** Texts of the variables that say whether and how connections to bound hosts are answered. */
export const INTERCEPTION_CASES: readonly SettingCase[] = [
  {
    name: "OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT",
    accepted: [
      [" 1 ", { intercepts: true }],
      ["y", { intercepts: true }],
      ["No", { intercepts: false }],
      ["", { intercepts: false }],
    ],
    refused: ["perhaps"],
  },
  {
    name: "OPENSANDBOX_EGRESS_MITMPROXY_EXTRA_PORTS",
    accepted: [
      ["8443, 8080,8443,", { extraPorts: [8443, 8080] }],
      [`80,443,${THIRTEEN}`, { extraPorts: [80, 443, ...THIRTEEN.split(",").map(Number)] }],
      ["", { extraPorts: undefined }],
    ],
    refused: [`${THIRTEEN},8014`, "https", "0", "65536", "8443-8445", "53", "853"],
  },
  {
    name: "OPENSANDBOX_EGRESS_MITMPROXY_SSL_INSECURE",
    accepted: [["true", { trustsAnyHost: true }]],
    refused: ["insecure"],
  },
  {
    name: "OPENSANDBOX_EGRESS_MITMPROXY_UPSTREAM_TRUST_DIR",
    accepted: [["/roots", { trustFolder: "/roots" }]],
    refused: ["roots"],
  },
  {
    name: "OPENSANDBOX_EGRESS_CA_FILE",
    accepted: [["/run/roots.pem", { certificateFile: "/run/roots.pem" }]],
    refused: ["roots.pem"],
  },
  {
    name: "OPENSANDBOX_EGRESS_CA_HOSTS",
    accepted: [
      ["api.example.org, *.Example.net", { certificateHosts: ["api.example.org", "*.example.net"] }],
      ["*", { certificateHosts: ["*"] }],
    ],
    refused: ["https://api.example.org", "api.example.org:443", "*.*.example.org", "a..b"],
  },
  {
    name: "OPENSANDBOX_EGRESS_MITMPROXY_UPSTREAM_EXTRA_CA",
    accepted: [
      ["/roots/extra.pem", { extraTrust: "/roots/extra.pem" }],
      ["", { extraTrust: undefined }],
    ],
    refused: ["extra.pem"],
  },
  {
    // With what it needs in proxy-settings.test.ts.
    name: "OPENSANDBOX_EGRESS_UPSTREAM_PROXY",
    accepted: [[" ", { upstreamProxy: undefined }]],
    refused: ["proxy.example.net", "ftp://proxy.example.net", "http://u:p@proxy.example.net"],
  },
  {
    name: "OPENSANDBOX_EGRESS_UPSTREAM_PROXY_AUTH",
    accepted: [["", { upstreamProxyAuth: undefined }]],
    refused: ["user:password", "Basic"],
  },
];
