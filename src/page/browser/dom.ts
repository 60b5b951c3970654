/**
 * Elements made of texts: nothing here reads markup, and the page's Content-Security-Policy lets nothing else
 * do so.
 */

type Attribute =
  | "class"
  | "id"
  | "type"
  | "title"
  | "role"
  | "scope"
  | "colspan"
  | "datetime"
  | "data-label"
  | "data-side"
  | "data-sign"
  | "data-state"
  | "aria-label";

export type Attributes = Readonly<Partial<Record<Attribute, string>>>;

/** An element with these attributes and, as its children, elements and texts. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function button(label: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const element = h("button", { type: "button", ...attributes }, label);
  element.addEventListener("click", onClick);
  return element;
}

/** The element of that id in page.html, of that kind. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`page.html has no ${kind.name} #${id}`);
  return found;
}

/** Gives the parent these children. One that keeps its place is not touched, and keeps the focus. */
export function syncChildren(parent: Element, children: readonly Element[]): void {
  const wanted = new Set(children);
  for (const child of Array.from(parent.children)) if (!wanted.has(child)) child.remove();
  children.forEach((child, at) => {
    const there = parent.children[at];
    if (there !== child) parent.insertBefore(child, there ?? null);
  });
}

/** `by`: the button that was pressed; with Enter the form's first one. */
export function onSubmit(form: HTMLFormElement, submit: (by: HTMLElement | null) => void): void {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(event.submitter);
  });
}
