/* oxlint-disable max-lines -- made by "npm run generate", not for editing */
// document: 9ba055421796e7c1b9f97aa3d014bf20ee53bf0b71aacaab8925ccb30ae257ee
// types: a05bd2ee035e58ff845a05ccdc355f81ff720781d7d63d616c4d4a821f6a97d5

export interface paths {
  "/policy": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Shows the user's policy
     * @description In its own order and spelling. The operator's always-rules are never part of it.
     */
    get: operations["getPolicy"];
    /** Replaces the policy; a blank body resets it to deny-all */
    put: operations["replacePolicy"];
    /** Replaces the policy; a blank body resets it to deny-all */
    post: operations["postPolicy"];
    /**
     * Removes the rules that have one of the targets
     * @description Targets that no rule has are ignored; when none is found, nothing changes and `reason` says so.
     */
    delete: operations["deleteRules"];
    options?: never;
    head?: never;
    /**
     * Merges rules into the policy, by target
     * @description The rules come first, in their order, the first one of each target; then the policy's own rules whose target they do not name.
     */
    patch: operations["patchRules"];
    trace?: never;
  };
  "/explain": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * What becomes of a name or an address, and why
     * @description By the code that enforces; no upstream is asked, and nothing is changed. With try=true a connection is opened, and reset at once, to up to four addresses that the kernel lets through. The rules of `patch` are for PATCH /policy.
     */
    get: operations["explainTarget"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/policy/suggest": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * The smallest policy that lets through what was seen
     * @description Ready for PUT /policy. Rules with ports stay. Names that were looked up and addresses that were tried without a name, allowed or not; what a rule denies is left out. The memory is bounded: OPENSANDBOX-EGRESS-CUT says how many are forgotten, if any.
     */
    get: operations["suggestPolicy"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/audit": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Says whether audit mode is on */
    get: operations["getAudit"];
    /**
     * Switches audit mode on or off
     * @description In audit mode only deny.always and the protections block; what the policy would deny is reported. Switching it off cuts what the policy denies. It ends with the sidecar.
     */
    put: operations["setAudit"];
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/healthz": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Says whether the policy is enforced and the resolver answers */
    get: operations["getHealth"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/status": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Shows what is in force
     * @description Policy layers, protections, upstreams, counts, and one page of the learned addresses. Their pages may be asked for one after the other while they change: an address that is in force all the while comes at least once.
     */
    get: operations["getStatus"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/decisions": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Shows the last decisions, the newest first
     * @description Lookups, and connections that were refused, as many of them as the kernel tells of.
     */
    get: operations["getDecisions"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/events": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Tells decisions as they are made
     * @description Server-sent events. `decision`: its data is a Decision, its id the Decision's. `gap`: what came before it is not all there was; `missed` says how many decisions, wanted or not, were too many, `restarted` that the id was of an earlier run. A comment comes when there was nothing else for 15 s.
     */
    get: operations["followDecisions"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/metrics": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Counts and gauges, in Prometheus's text format */
    get: operations["getMetrics"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/openapi.json": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** This document */
    get: operations["getDocument"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/credential-vault": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Shows the credential vault, without a value */
    get: operations["getVault"];
    put?: never;
    /**
     * Makes the credential vault
     * @description It lives in memory alone. Every host of a binding has to be allowed by the policy.
     */
    post: operations["createVault"];
    /** Deletes the credential vault with all that it holds */
    delete: operations["deleteVault"];
    options?: never;
    head?: never;
    /** Changes the credential vault: all that is asked for, or nothing */
    patch: operations["patchVault"];
    trace?: never;
  };
  "/credential-vault/credentials": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Lists the credentials, without their values */
    get: operations["getCredentials"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/credential-vault/credentials/{name}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Shows one credential, without its value */
    get: operations["getCredential"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/credential-vault/bindings": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Lists the bindings */
    get: operations["getBindings"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/credential-vault/bindings/{name}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Shows one binding */
    get: operations["getBinding"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    /** @description A name (example.org: that name only), a wildcard (*.example.org: every name below it, not itself), an address or a prefix (192.0.2.0/24). One that could never match is refused. */
    Target: string;
    /** @description allow or deny, in any case; missing is deny. */
    Action: string | null;
    /** @description What is done with what the target matches; with ports (1 to 65535, ranges such as "8000-8080", 256 at most) or a protocol (tcp, udp, icmp) only with such flows to it. Ports without a protocol: an allow opens TCP, a deny refuses TCP and UDP. Ports or a protocol without a target speak of every destination. http (methods, paths with a final * for what follows) only with such requests to a bound host. app (tls, http, ssh, postgres, any) on an allow: only if that is spoken, over TCP; any asks for nothing. */
    Rule: {
      action?: components["schemas"]["Action"];
      target?: components["schemas"]["Target"] | null;
      ports?: (number | string)[] | null;
      protocol?: string | null;
      http?: {
        methods?: string[] | null;
        paths?: string[] | null;
      } | null;
      app?: string | null;
    };
    /** @description Rules in order: the first that matches decides. */
    Rules: components["schemas"]["Rule"][] | null;
    /** @description What goes: a target, with all its rules; or an object of target, ports, protocol, app and http, the one rule with these. What no rule has is ignored. */
    Targets:
      | (
          | string
          | {
              target?: string | null;
              ports?: (number | string)[] | null;
              protocol?: string | null;
              app?: string | null;
              http?: {
                methods?: string[] | null;
                paths?: string[] | null;
              } | null;
            }
        )[]
      | null;
    /** @description A policy. Missing keys, {} and null deny everything. An unknown key is named in `warnings`, or refused if the policy would mean something else without it. */
    Policy: {
      defaultAction?: components["schemas"]["Action"];
      egress?: components["schemas"]["Rules"];
    } | null;
    /**
     * @description In a word what the policy does.
     * @enum {string}
     */
    Mode: "allow_all" | "deny_all" | "enforcing";
    /**
     * @description Lookups alone, or lookups and connections.
     * @enum {string}
     */
    EnforcementMode: "dns" | "dns+nft";
    /** @description A rule as its author spelt it. */
    ShownRule: {
      /** @enum {string} */
      action: "allow" | "deny";
      target?: string;
      ports?: (number | string)[];
      protocol?: string;
      app?: string;
      http?: {
        methods?: string[];
        paths?: string[];
      };
    };
    /** @description The user's policy, in the user's order. */
    ShownPolicy: {
      egress: components["schemas"]["ShownRule"][];
      /** @enum {string} */
      defaultAction: "allow" | "deny";
    };
    /** @description The policy in force. */
    PolicyState: {
      /** @constant */
      status: "ok";
      mode: components["schemas"]["Mode"];
      enforcementMode: components["schemas"]["EnforcementMode"];
      policy: components["schemas"]["ShownPolicy"];
    };
    /** @description The state after the change; with dryRun=true what it would be, and the rules that would come and go. `warnings` names what in the body was ignored. */
    PolicyChange: {
      /** @constant */
      status: "ok";
      mode: components["schemas"]["Mode"];
      enforcementMode: components["schemas"]["EnforcementMode"];
      reason?: string;
      /** @constant */
      dryRun?: true;
      policy?: components["schemas"]["ShownPolicy"];
      added?: components["schemas"]["ShownRule"][];
      removed?: components["schemas"]["ShownRule"][];
      warnings?: components["schemas"]["Problem"][];
    };
    /** @description Whether audit mode is to be on. */
    AuditMode: {
      enabled: boolean;
    };
    /** @description Whether audit mode is on: the policy denies nothing then. */
    AuditState: {
      /** @constant */
      status: "ok";
      enabled: boolean;
    };
    /** @description A policy, or with details=true a policy and what is known of it. */
    Suggestion:
      | components["schemas"]["ShownPolicy"]
      | {
          /** @constant */
          status: "ok";
          policy: components["schemas"]["ShownPolicy"];
          leftOut: {
            target: string;
            layer: string;
            rule: string;
          }[];
          seen: {
            names: number;
            addresses: number;
            cut: number;
          };
        };
    /** @description What GET /healthz says. */
    Health: {
      ok: boolean;
      reason?: string;
    };
    /** @description Targets of one of the operator's files. */
    ShownTargets: {
      total: number;
      shown: string[];
    };
    /** @description All that decides, highest first; and what is not logged. */
    Layers: {
      denyAlways: components["schemas"]["ShownTargets"];
      allowAlways: components["schemas"]["ShownTargets"];
      user: {
        total: number;
        shown: components["schemas"]["ShownRule"][];
        /** @enum {string} */
        defaultAction: "allow" | "deny";
        etag: string;
        unread?: components["schemas"]["ShownRule"][];
      };
      logSkip: components["schemas"]["ShownTargets"];
    };
    /** @description One that depends on the machine or on a setting. */
    Protection: {
      /** @enum {string} */
      name:
        | "connections"
        | "raw-frames"
        | "af-xdp"
        | "own-sockets"
        | "loopback-answers"
        | "wire-names"
        | "idle-flows";
      /** @enum {string} */
      state: "on" | "off";
      reason?: string;
      required: boolean;
    };
    /** @description An address in force because allowed names have it. */
    LearnedAddress: {
      address: string;
      owners: string[];
      secondsLeft?: number;
      secondsUnused: number;
    };
    /** @description What is in force. */
    Status: {
      /** @constant */
      status: "ok";
      mode: components["schemas"]["Mode"];
      enforcementMode: components["schemas"]["EnforcementMode"];
      version: string;
      sandboxId?: string;
      uptimeSeconds: number;
      health: components["schemas"]["Health"];
      audit: {
        enabled: boolean;
      };
      generation?: number;
      layers: components["schemas"]["Layers"];
      ruleFiles: {
        denyAlways?: string;
        allowAlways?: string;
        logSkip?: string;
      };
      ruleFileProblems: components["schemas"]["Problem"][];
      protections: components["schemas"]["Protection"][];
      api: {
        tcp: boolean;
        reason?: string;
      };
      interfaces: {
        guarded: string[];
        unguarded: {
          name: string;
          reason: string;
        }[];
      };
      upstreams: {
        address: string;
        port: number;
        alive: boolean;
      }[];
      resolver: {
        address: string;
        port: number;
      }[];
      learned: {
        total: number;
        bound: number;
        addresses: components["schemas"]["LearnedAddress"][];
        next?: string;
      };
      counters: {
        [key: string]: number;
      };
    };
    /** @description What becomes of a name or an address, and why. */
    Explanation: {
      /** @constant */
      status: "ok";
      target: string;
      port?: number;
      /** @enum {string} */
      protocol: "tcp" | "udp" | "icmp";
      /** @enum {string} */
      app?: "tls" | "http" | "ssh" | "postgres";
      audit: boolean;
      reachable: boolean;
      because: string;
      patch: {
        allow?: components["schemas"]["ShownRule"][];
        deny?: components["schemas"]["ShownRule"][];
      };
      name?: {
        decision: {
          /** @enum {string} */
          action: "allow" | "deny";
          /** @enum {string} */
          layer: "built-in" | "deny.always" | "allow.always" | "user" | "default";
          rule?: string;
        };
        matches: {
          /** @enum {string} */
          layer: "built-in" | "deny.always" | "allow.always" | "user" | "default";
          /** @enum {string} */
          action: "allow" | "deny";
          target: string;
          position: number;
          decides: boolean;
          shadowedBy?: string;
        }[];
        /** @enum {string} */
        answer: "own" | "asked" | "nxdomain" | "nodata";
      };
      interception?: {
        intercepted: boolean;
        bindings: {
          name: string;
          ports: number[];
          since: string;
          problem?: string;
        }[];
      };
      request?: {
        method: string;
        path: string;
        decision?: {
          /** @enum {string} */
          action: "allow" | "deny";
          /** @enum {string} */
          layer: "built-in" | "deny.always" | "allow.always" | "user" | "default";
          rule?: string;
        };
        /** @constant */
        ambiguous?: true;
      };
      spoken?: {
        /** @enum {string} */
        app: "tls" | "http" | "ssh" | "postgres" | "other";
        name?: string;
        passes: boolean;
        fault?: string;
        decision: {
          /** @enum {string} */
          action: "allow" | "deny";
          /** @enum {string} */
          layer: "built-in" | "deny.always" | "allow.always" | "user" | "default";
          rule?: string;
        };
      }[];
      addresses: {
        address: string;
        names: string[];
        secondsLeft?: number;
        decision: {
          /** @enum {string} */
          action: "allow" | "deny";
          /** @enum {string} */
          layer: "built-in" | "deny.always" | "allow.always" | "user" | "default";
          rule?: string;
        };
        matches: {
          /** @enum {string} */
          layer: "built-in" | "deny.always" | "allow.always" | "user" | "default";
          /** @enum {string} */
          action: "allow" | "deny";
          target: string;
          position: number;
          decides: boolean;
          shadowedBy?: string;
        }[];
        kernel: {
          passes: boolean;
          /** @enum {string} */
          by:
            | "mode"
            | "resolver"
            | "exempt"
            | "upstream"
            | "loopback"
            | "group"
            | "dns-over-tls"
            | "dns-over-https"
            | "rule"
            | "learned"
            | "ports"
            | "revoked"
            | "default";
        };
        flows: {
          answered: number;
          unanswered: number;
        };
        /** @enum {string} */
        farEnd: "answers" | "silent" | "refuses" | "unreachable" | "unknown";
        /** @constant */
        tried?: true;
      }[];
      lookups: components["schemas"]["Decision"][];
    };
    /** @description What was decided on a lookup or a connection. */
    Decision: {
      id: string;
      time: string;
      /** @enum {string} */
      kind: "lookup" | "connection";
      /** @enum {string} */
      decision: "allowed" | "denied" | "withheld" | "nxdomain" | "nodata" | "failed" | "audited";
      name?: string;
      type?: string;
      protocol?: string;
      port?: number;
      addresses: string[];
      moreAddresses?: number;
      /** @enum {string} */
      layer: "built-in" | "deny.always" | "allow.always" | "user" | "default";
      rule?: string;
      /** @enum {string} */
      reason?:
        | "upstream"
        | "rcode"
        | "kernel"
        | "overload"
        | "limited"
        | "own-answer"
        | "special-address"
        | "private-address"
        | "own-network"
        | "no-host-name"
        | "shown-name"
        | "shown-form"
        | "shown-app"
        | "shown-request"
        | "expired"
        | "kernel-rule";
      message?: string;
      takenOut?: {
        count: number;
        first: string;
        /** @enum {string} */
        layer: "built-in" | "deny.always" | "allow.always" | "user" | "default";
        rule?: string;
        /** @enum {string} */
        reason?:
          | "upstream"
          | "rcode"
          | "kernel"
          | "overload"
          | "limited"
          | "own-answer"
          | "special-address"
          | "private-address"
          | "own-network"
          | "no-host-name"
          | "shown-name"
          | "shown-form"
          | "shown-app"
          | "shown-request"
          | "expired"
          | "kernel-rule";
        message?: string;
      };
      rcode?: string;
      upstream?: string;
      durationMs?: number;
    };
    /** @description The last decisions. */
    Decisions: {
      /** @constant */
      status: "ok";
      decisions: components["schemas"]["Decision"][];
      newest: string;
      next?: string;
    };
    /** @description Where a credential's value comes from. */
    CredentialSource:
      | {
          /** @constant */
          type?: "inline";
          value: string;
        }
      | {
          /** @constant */
          type: "env";
          variable: string;
        }
      | {
          /** @constant */
          type: "file";
          path: string;
          refreshAfter?: number;
        }
      | {
          /** @constant */
          type: "command";
          command: string[];
          refreshAfter?: number;
        };
    /** @description A credential, which bindings refer to by its name. */
    NewCredential: {
      name: string;
      source: components["schemas"]["CredentialSource"];
    };
    /** @description Into which requests credentials go, and where. */
    NewBinding: {
      name: string;
      match: {
        schemes?: ("https" | "http")[];
        hosts: string[];
        methods?: string[];
        paths?: string[];
        ports?: (80 | 443)[];
      };
      auth: {
        /** @enum {string} */
        type: "bearer" | "basic" | "apiKey" | "customHeaders" | "passthrough";
        credential?: string;
        name?: string;
        headers?: {
          name: string;
          credential: string;
        }[];
        substitutions?: {
          credential: string;
          placeholder: string;
          in: ("path" | "query" | "header" | "body")[];
        }[];
      };
    };
    /** @description All that the vault is to hold. */
    VaultRequest: {
      credentials?: components["schemas"]["NewCredential"][];
      bindings?: components["schemas"]["NewBinding"][];
    };
    /** @description Deletions, then replacements, then additions, credentials before bindings: all of it or nothing. A name may be in one of them only. */
    VaultMutation: {
      expectedRevision?: number;
      credentials?: {
        delete?: string[];
        replace?: components["schemas"]["NewCredential"][];
        add?: components["schemas"]["NewCredential"][];
      };
      bindings?: {
        delete?: string[];
        replace?: components["schemas"]["NewBinding"][];
        add?: components["schemas"]["NewBinding"][];
      };
    };
    /** @description A credential without its value. */
    Credential: {
      name: string;
      /** @enum {string} */
      sourceType: "inline" | "env" | "file" | "command";
      revision: number;
      problem?: string;
    };
    /** @description A binding, its match with the defaults filled in. */
    Binding: {
      name: string;
      revision: number;
      match: {
        schemes: string[];
        hosts: string[];
        methods: string[];
        paths: string[];
      };
      auth: {
        type: string;
        name?: string;
      };
      problem?: string;
    };
    /** @description What the vault holds: no value, no placeholder. */
    Vault: {
      revision: number;
      credentials: components["schemas"]["Credential"][];
      bindings: components["schemas"]["Binding"][];
    };
    /** @description All credentials, by name. */
    Credentials: {
      revision: number;
      credentials: components["schemas"]["Credential"][];
    };
    /** @description All bindings, by name. */
    Bindings: {
      revision: number;
      bindings: components["schemas"]["Binding"][];
    };
    /** @description What is wrong, and where: egress[3].target. */
    Problem: {
      path: string;
      message: string;
    };
    /**
     * @description Stable: programs may tell refusals apart by it.
     * @enum {string}
     */
    RefusalCode:
      | "bad-request"
      | "empty-body"
      | "invalid-policy"
      | "invalid-rules"
      | "invalid-targets"
      | "invalid-query"
      | "invalid-audit"
      | "invalid-vault"
      | "uncovers-binding"
      | "unread-host"
      | "unserved-app"
      | "unauthorized"
      | "local-write"
      | "forbidden"
      | "not-found"
      | "vault-not-found"
      | "method-not-allowed"
      | "body-timeout"
      | "vault-exists"
      | "vault-revision"
      | "precondition-failed"
      | "vault-unavailable"
      | "body-too-large"
      | "too-many-rules"
      | "insecure-transport"
      | "apply-failed"
      | "internal-error"
      | "persist-failed"
      | "too-many-bodies"
      | "too-many-tries"
      | "closed";
    /** @description RFC 9457 problem details. */
    ProblemDetails: {
      /** @constant */
      type: "about:blank";
      title: string;
      status: number;
      detail: string;
      code: components["schemas"]["RefusalCode"];
      message: string;
      errors?: components["schemas"]["Problem"][];
    };
  };
  responses: never;
  parameters: {
    /** @description The name, percent-encoded. */
    entryName: string;
    /** @description The ETag of the policy that the change is meant for; if another holds, the answer is 412. */
    ifMatch: string;
    /** @description true: answer what would change, and change nothing. */
    dryRun: boolean;
    /** @description A name or an address. */
    explainTarget: string;
    /** @description The port of a connection; without it, one that no rule for ports speaks of. */
    explainPort: number;
    /** @description How a connection is tried. */
    explainProtocol: "tcp" | "udp" | "icmp";
    /** @description What the connection speaks: TLS and HTTP that show the target's name, SSH, PostgreSQL in the clear; needs a port, and tcp. */
    explainApp: "tls" | "http" | "ssh" | "postgres";
    /** @description Of a request to a name, over port 443 or 80: its method; default GET where path is given. */
    explainMethod: string;
    /** @description The same: its path as it is sent, without the query; default / where method is given. */
    explainPath: string;
    /** @description true: open a connection to see what the far end does; needs a port, and tcp. */
    explainTry: boolean;
    /** @description true: one wildcard in the place of several names below it. */
    wildcards: boolean;
    /** @description true: rules for the ports and protocols that connections were seen to, where any was; a wildcard then stands for names that were seen on the same. */
    portsSeen: boolean;
    /** @description true: the policy under `policy`, with what it leaves out and how much was seen. */
    details: boolean;
    /** @description How many learned addresses to show. */
    limit: number;
    /** @description The `next` of the page before. */
    after: string;
    /** @description How many decisions to show. */
    decisionsLimit: number;
    /** @description The `next` of the page before. */
    decisionsAfter: string;
    /** @description One or several, joined by commas, of allowed, denied, withheld, nxdomain, nodata, failed, audited. */
    decision: string;
    /** @description A name, or a wildcard for every name below one. */
    name: string;
    /** @description An address or a prefix. */
    address: string;
    /** @description Lookups or connections alone. */
    kind: "lookup" | "connection";
    /** @description The id of the last event that was seen, or `newest` of GET /decisions: what came since is sent first. */
    lastEventId: string;
  };
  requestBodies: never;
  headers: {
    /** @description A strong tag: a hash of the user's policy. */
    ETag: string;
  };
  pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
  getPolicy: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done. */
      200: {
        headers: {
          ETag: components["headers"]["ETag"];
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["PolicyState"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  replacePolicy: {
    parameters: {
      query?: {
        /** @description true: answer what would change, and change nothing. */
        dryRun?: components["parameters"]["dryRun"];
      };
      header?: {
        /** @description The ETag of the policy that the change is meant for; if another holds, the answer is 412. */
        "If-Match"?: components["parameters"]["ifMatch"];
      };
      path?: never;
      cookie?: never;
    };
    /** @description At most 1 MiB of JSON, whatever Content-Type says. */
    requestBody?: {
      content: {
        "application/json": components["schemas"]["Policy"];
      };
    };
    responses: {
      /** @description Done. */
      200: {
        headers: {
          ETag: components["headers"]["ETag"];
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["PolicyChange"];
        };
      };
      /** @description Bad Request: invalid-policy, bad-request, uncovers-binding, unread-host, unserved-app, invalid-query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Forbidden: local-write. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Request Timeout: body-timeout. */
      408: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Precondition Failed: precondition-failed. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Payload Too Large: too-many-rules, body-too-large. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: apply-failed, persist-failed, internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Service Unavailable: too-many-bodies, closed. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  postPolicy: {
    parameters: {
      query?: {
        /** @description true: answer what would change, and change nothing. */
        dryRun?: components["parameters"]["dryRun"];
      };
      header?: {
        /** @description The ETag of the policy that the change is meant for; if another holds, the answer is 412. */
        "If-Match"?: components["parameters"]["ifMatch"];
      };
      path?: never;
      cookie?: never;
    };
    /** @description At most 1 MiB of JSON, whatever Content-Type says. */
    requestBody?: {
      content: {
        "application/json": components["schemas"]["Policy"];
      };
    };
    responses: {
      /** @description Done. */
      200: {
        headers: {
          ETag: components["headers"]["ETag"];
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["PolicyChange"];
        };
      };
      /** @description Bad Request: invalid-policy, bad-request, uncovers-binding, unread-host, unserved-app, invalid-query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Forbidden: local-write. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Request Timeout: body-timeout. */
      408: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Precondition Failed: precondition-failed. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Payload Too Large: too-many-rules, body-too-large. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: apply-failed, persist-failed, internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Service Unavailable: too-many-bodies, closed. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  deleteRules: {
    parameters: {
      query?: {
        /** @description true: answer what would change, and change nothing. */
        dryRun?: components["parameters"]["dryRun"];
      };
      header?: {
        /** @description The ETag of the policy that the change is meant for; if another holds, the answer is 412. */
        "If-Match"?: components["parameters"]["ifMatch"];
      };
      path?: never;
      cookie?: never;
    };
    /** @description At most 1 MiB of JSON, whatever Content-Type says. */
    requestBody: {
      content: {
        "application/json": components["schemas"]["Targets"];
      };
    };
    responses: {
      /** @description Done. */
      200: {
        headers: {
          ETag: components["headers"]["ETag"];
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["PolicyChange"];
        };
      };
      /** @description Bad Request: empty-body, invalid-targets, bad-request, uncovers-binding, unread-host, unserved-app, invalid-query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Forbidden: local-write. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Request Timeout: body-timeout. */
      408: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Precondition Failed: precondition-failed. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Payload Too Large: body-too-large. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: apply-failed, persist-failed, internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Service Unavailable: too-many-bodies, closed. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  patchRules: {
    parameters: {
      query?: {
        /** @description true: answer what would change, and change nothing. */
        dryRun?: components["parameters"]["dryRun"];
      };
      header?: {
        /** @description The ETag of the policy that the change is meant for; if another holds, the answer is 412. */
        "If-Match"?: components["parameters"]["ifMatch"];
      };
      path?: never;
      cookie?: never;
    };
    /** @description At most 1 MiB of JSON, whatever Content-Type says. */
    requestBody: {
      content: {
        "application/json": components["schemas"]["Rules"];
      };
    };
    responses: {
      /** @description Done. */
      200: {
        headers: {
          ETag: components["headers"]["ETag"];
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["PolicyChange"];
        };
      };
      /** @description Bad Request: empty-body, invalid-rules, bad-request, uncovers-binding, unread-host, unserved-app, invalid-query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Forbidden: local-write. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Request Timeout: body-timeout. */
      408: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Precondition Failed: precondition-failed. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Payload Too Large: too-many-rules, body-too-large. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: apply-failed, persist-failed, internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Service Unavailable: too-many-bodies, closed. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  explainTarget: {
    parameters: {
      query: {
        /** @description A name or an address. */
        target: components["parameters"]["explainTarget"];
        /** @description The port of a connection; without it, one that no rule for ports speaks of. */
        port?: components["parameters"]["explainPort"];
        /** @description How a connection is tried. */
        protocol?: components["parameters"]["explainProtocol"];
        /** @description What the connection speaks: TLS and HTTP that show the target's name, SSH, PostgreSQL in the clear; needs a port, and tcp. */
        app?: components["parameters"]["explainApp"];
        /** @description true: open a connection to see what the far end does; needs a port, and tcp. */
        try?: components["parameters"]["explainTry"];
        /** @description Of a request to a name, over port 443 or 80: its method; default GET where path is given. */
        method?: components["parameters"]["explainMethod"];
        /** @description The same: its path as it is sent, without the query; default / where method is given. */
        path?: components["parameters"]["explainPath"];
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Explanation"];
        };
      };
      /** @description Bad Request: invalid-query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Service Unavailable: too-many-tries. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  suggestPolicy: {
    parameters: {
      query?: {
        /** @description true: one wildcard in the place of several names below it. */
        wildcards?: components["parameters"]["wildcards"];
        /** @description true: rules for the ports and protocols that connections were seen to, where any was; a wildcard then stands for names that were seen on the same. */
        ports?: components["parameters"]["portsSeen"];
        /** @description true: the policy under `policy`, with what it leaves out and how much was seen. */
        details?: components["parameters"]["details"];
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Suggestion"];
        };
      };
      /** @description Bad Request: invalid-query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  getAudit: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["AuditState"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  setAudit: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** @description At most 1 MiB of JSON, whatever Content-Type says. */
    requestBody: {
      content: {
        "application/json": components["schemas"]["AuditMode"];
      };
    };
    responses: {
      /** @description Done. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["AuditState"];
        };
      };
      /** @description Bad Request: bad-request, invalid-audit, invalid-query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Forbidden: local-write. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Request Timeout: body-timeout. */
      408: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Payload Too Large: body-too-large. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: apply-failed, internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Service Unavailable: too-many-bodies, closed. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  getHealth: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description All is well. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": "ok";
        };
      };
      /** @description Not enforced, or not answering: the reason, in one line. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
        };
      };
    };
  };
  getStatus: {
    parameters: {
      query?: {
        /** @description How many learned addresses to show. */
        limit?: components["parameters"]["limit"];
        /** @description The `next` of the page before. */
        after?: components["parameters"]["after"];
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Status"];
        };
      };
      /** @description Bad Request: invalid-query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  getDecisions: {
    parameters: {
      query?: {
        /** @description How many decisions to show. */
        limit?: components["parameters"]["decisionsLimit"];
        /** @description The `next` of the page before. */
        after?: components["parameters"]["decisionsAfter"];
        /** @description One or several, joined by commas, of allowed, denied, withheld, nxdomain, nodata, failed, audited. */
        decision?: components["parameters"]["decision"];
        /** @description A name, or a wildcard for every name below one. */
        name?: components["parameters"]["name"];
        /** @description An address or a prefix. */
        address?: components["parameters"]["address"];
        /** @description Lookups or connections alone. */
        kind?: components["parameters"]["kind"];
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Decisions"];
        };
      };
      /** @description Bad Request: invalid-query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  followDecisions: {
    parameters: {
      query?: {
        /** @description One or several, joined by commas, of allowed, denied, withheld, nxdomain, nodata, failed, audited. */
        decision?: components["parameters"]["decision"];
        /** @description A name, or a wildcard for every name below one. */
        name?: components["parameters"]["name"];
        /** @description An address or a prefix. */
        address?: components["parameters"]["address"];
        /** @description Lookups or connections alone. */
        kind?: components["parameters"]["kind"];
      };
      header?: {
        /** @description The id of the last event that was seen, or `newest` of GET /decisions: what came since is sent first. */
        "Last-Event-ID"?: components["parameters"]["lastEventId"];
      };
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A stream without an end. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/event-stream": string;
        };
      };
      /** @description Bad Request: bad-request, invalid-query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  getMetrics: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Prometheus text */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  getDocument: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OpenAPI 3.1 */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": Record<string, never>;
        };
      };
    };
  };
  getVault: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Vault"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Not Found: vault-not-found. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  createVault: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** @description At most 1 MiB of JSON, whatever Content-Type says. */
    requestBody: {
      content: {
        "application/json": components["schemas"]["VaultRequest"];
      };
    };
    responses: {
      /** @description Done. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Vault"];
        };
      };
      /** @description Bad Request: invalid-vault, bad-request, invalid-query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Request Timeout: body-timeout. */
      408: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Conflict: vault-exists. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Precondition Failed: vault-unavailable. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Payload Too Large: body-too-large. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Upgrade Required: insecure-transport. */
      426: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Service Unavailable: too-many-bodies, closed. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  deleteVault: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Deleted. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Bad Request: bad-request, invalid-query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Not Found: vault-not-found. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Request Timeout: body-timeout. */
      408: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Precondition Failed: vault-unavailable. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Payload Too Large: body-too-large. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Upgrade Required: insecure-transport. */
      426: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Service Unavailable: too-many-bodies, closed. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  patchVault: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** @description At most 1 MiB of JSON, whatever Content-Type says. */
    requestBody: {
      content: {
        "application/json": components["schemas"]["VaultMutation"];
      };
    };
    responses: {
      /** @description Done. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Vault"];
        };
      };
      /** @description Bad Request: invalid-vault, bad-request, invalid-query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Not Found: vault-not-found. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Request Timeout: body-timeout. */
      408: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Conflict: vault-revision. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Precondition Failed: vault-unavailable. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Payload Too Large: body-too-large. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Upgrade Required: insecure-transport. */
      426: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Service Unavailable: too-many-bodies, closed. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  getCredentials: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Credentials"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Not Found: vault-not-found. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  getCredential: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The name, percent-encoded. */
        name: components["parameters"]["entryName"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Credential"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Not Found: not-found, vault-not-found. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  getBindings: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Bindings"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Not Found: vault-not-found. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
  getBinding: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The name, percent-encoded. */
        name: components["parameters"]["entryName"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Done. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Binding"];
        };
      };
      /** @description Unauthorized: unauthorized. */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Not Found: not-found, vault-not-found. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
      /** @description Internal Server Error: internal-error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
          "application/problem+json": components["schemas"]["ProblemDetails"];
        };
      };
    };
  };
}
