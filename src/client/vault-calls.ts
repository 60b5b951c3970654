/** The calls of the credential vault. */
import type { Client } from "openapi-fetch";
import type { paths } from "./api-types.ts";
import { readAnswer, toApiError } from "./read-answer.ts";
import { VAULT } from "./shape.ts";
import type { Transport } from "./transport.ts";
import type { VaultCalls, VaultState } from "./vault-types.ts";

export function createVaultCalls(api: Client<paths>, transport: Transport): VaultCalls {
  const read = readAnswer(transport);
  const readVault = async (call: Parameters<typeof read<VaultState>>[0]): Promise<VaultState> => {
    const { etag: _none, ...vault } = await read(call, VAULT, false);
    return vault;
  };
  return {
    getVault: (call = {}) => readVault(api.GET("/credential-vault", { ...call })),
    createVault: (vault, call = {}) => readVault(api.POST("/credential-vault", { ...call, body: vault })),
    patchVault: (mutation, call = {}) =>
      readVault(api.PATCH("/credential-vault", { ...call, body: mutation })),
    async deleteVault(call = {}) {
      const { response, error } = await api.DELETE("/credential-vault", { ...call });
      if (!response.ok) throw toApiError(response, error, false);
    },
  };
}
