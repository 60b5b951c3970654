/** What is served below `/credential-vault`: itself, a list, an entry of one. */
export const VAULT_PATHS = /^(?:|\/(credentials|bindings)(?:\/([^/]+))?)$/;
