/** What every line of the log has. */
export interface CommonFields {
  /** The same object as long as they are the same. */
  read(): Readonly<Record<string, unknown>>;
  /** Whether audit mode is on; false if nothing has changed by it. */
  setAudit(isOn: boolean): boolean;
}

export interface CommonSettings {
  readonly sandboxId: string | undefined;
  readonly extraAttributes: Readonly<Record<string, string>>;
}

export function createCommonFields({ sandboxId, extraAttributes }: CommonSettings): CommonFields {
  const fixed = { ...extraAttributes, ...(sandboxId === undefined ? {} : { sandbox_id: sandboxId }) };
  const inAudit = { ...fixed, audit: true };
  let isAudit = false;
  return {
    read: () => (isAudit ? inAudit : fixed),
    setAudit(isOn) {
      const isChange = isOn !== isAudit;
      isAudit = isOn;
      return isChange;
    },
  };
}
