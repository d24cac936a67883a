// Functions that make elements. Texts become text, never HTML.

/**
 * Return an element. Attributes with the value null or false are left out; attributes with the value
 * true are written without a value. Children are elements or texts.
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Return a text that only screen readers read. */
export function unseen(text) {
  return element("span", { class: "unseen" }, text);
}

/** Return a control that follows its label. */
export function labelled(text, control) {
  return element("label", { class: "control" }, element("span", {}, text), control);
}

/** Return a list of choices; each choice is a value and its text. */
export function choices(pairs) {
  const made = element("select");
  for (const [value, text] of pairs) made.append(element("option", { value }, text));
  return made;
}
