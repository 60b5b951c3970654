import { inspect } from "node:util";

const SHOWN = "[secret]";

/**
 * A text that nobody shows by accident: in a string, JSON, a log line or `util.inspect` it is `[secret]`. Its
 * octets are the UTF-8 of what `reveal` gives, as they were set. They hold no CR, LF, NUL or other control
 * character except the tab.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /**
   * The text itself, for the octets that go to the far end and for code that searches for it. Never keep it
   * in anything that is shown.
   */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [Symbol.toPrimitive](): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}
