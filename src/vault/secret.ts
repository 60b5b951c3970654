import { inspect } from "node:util";

const SHOWN = "[secret]";

/**
 * A text that is told to nobody by accident: written into a string, JSON, a log line or `util.inspect` it is
 * `[secret]`. Its octets are the UTF-8 of what `reveal` gives, kept as they were set, without CR, LF, NUL and
 * other control characters but the tab.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /**
   * The text itself: for the octets that go to the far end, and for matchers that look for it. Never keep it
   * in what is shown.
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
