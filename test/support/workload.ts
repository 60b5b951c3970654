/**
 * Acting as the workload: root in the sandbox's network namespace with Docker's default capabilities, so
 * without NET_ADMIN.
 */
import type { Argv } from "../../src/netns/command.ts";

const DOCKER_DEFAULT_CAPABILITIES =
  "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,audit_write,setfcap";

/** The command line that gives up everything that Docker would not have given. */
export function workloadArgv(argv: Argv): Argv {
  const kept = DOCKER_DEFAULT_CAPABILITIES.replaceAll(/(^|,)/g, "$1+");
  return ["setpriv", "--bounding-set", `-all,${kept}`, "--inh-caps", "-all", ...argv];
}
