"""One call of the platform's Python SDK: a JSON object as the argument, its answer as JSON on standard output."""

import asyncio
import json
import sys
from datetime import timedelta

from opensandbox import Sandbox
from opensandbox.config import ConnectionConfig
from opensandbox.models.sandboxes import (
    Credential,
    CredentialBinding,
    CredentialProxyConfig,
    NetworkPolicy,
    NetworkRule,
)


async def answer(call: dict) -> object:
    connection = ConnectionConfig(domain=call["domain"], use_server_proxy=call.get("useServerProxy", False))
    if call["do"] == "create":
        sandbox = await Sandbox.create(
            call["image"],
            entrypoint=["sleep", "infinity"],
            ready_timeout=timedelta(seconds=60),
            resource={"cpu": "1", "memory": "512Mi"},
            env=call.get("env"),
            credential_proxy=CredentialProxyConfig(enabled=True) if call.get("credentialProxy") else None,
            network_policy=NetworkPolicy.model_validate(call["policy"]),
            connection_config=connection,
        )
        return sandbox.id
    if call["do"] == "resume":
        return (await Sandbox.resume(call["id"], connection_config=connection)).id
    sandbox = await Sandbox.connect(call["id"], connection_config=connection, skip_health_check=True)
    if call["do"] == "get":
        return (await sandbox.get_egress_policy()).model_dump(by_alias=True, exclude_none=True)
    if call["do"] == "patch":
        return await sandbox.patch_egress_rules([NetworkRule(**rule) for rule in call["rules"]])
    if call["do"] == "delete":
        return await sandbox.delete_egress_rules(call["targets"])
    if call["do"] == "bind":
        state = await sandbox.credential_vault.create(
            credentials=[Credential(**call["credential"])], bindings=[CredentialBinding(**call["binding"])]
        )
        return state.model_dump(by_alias=True, exclude_none=True)
    return await getattr(sandbox, call["do"])()


try:
    print(json.dumps({"answer": asyncio.run(answer(json.loads(sys.argv[1])))}))
except Exception as error:
    print(json.dumps({"error": str(error)}))
