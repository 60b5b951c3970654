"""Drives a sidecar's Credential Vault by OpenSandbox's Python SDK.

    vault.py LIFECYCLE SANDBOX_ID    calls on standard input, one line of JSON each: [method, argument...]

Answers each with a line: {"value": ...}, or {"status": N, "body": "..."} where the SDK raises.
"""

import json
import sys

from opensandbox import SandboxSync
from opensandbox.config.connection_sync import ConnectionConfigSync
from opensandbox.exceptions import SandboxApiException
from opensandbox.models.sandboxes import (
    Credential,
    CredentialBinding,
    CredentialBindingMutationSet,
    CredentialMutationSet,
)


def plain(value):
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value.model_dump(by_alias=True, exclude_none=True) if hasattr(value, "model_dump") else value


def mutations(shape, item, given):
    if given is None:
        return None
    lists = {key: [item(**one) for one in given[key]] for key in ("add", "replace") if key in given}
    return shape(**lists, **({"delete": given["delete"]} if "delete" in given else {}))


def call(vault, method, arguments):
    if method == "create":
        credentials, bindings = arguments
        return vault.create(
            credentials=[Credential(**one) for one in credentials],
            bindings=[CredentialBinding(**one) for one in bindings],
        )
    if method == "patch":
        (mutation,) = arguments
        return vault.patch(
            expected_revision=mutation.get("expectedRevision"),
            credentials=mutations(CredentialMutationSet, Credential, mutation.get("credentials")),
            bindings=mutations(CredentialBindingMutationSet, CredentialBinding, mutation.get("bindings")),
        )
    return getattr(vault, method)(*arguments)


def main():
    lifecycle, sandbox_id = sys.argv[1:]
    config = ConnectionConfigSync(domain=f"http://{lifecycle}", api_key="key")
    sandbox = SandboxSync.connect(sandbox_id, connection_config=config, skip_health_check=True)
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        try:
            answer = {"value": plain(call(sandbox.credential_vault, method, arguments))}
        except SandboxApiException as error:
            answer = {"status": error.status_code, "body": (error.response_body or b"").decode()}
        print(json.dumps(answer), flush=True)
    sandbox.close()


main()
