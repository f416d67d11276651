// Dialogs: opening and closing them, and a list one chooses from by typing and arrows.
import { all, byId, is_shown, make, say } from "./dom.js";

export function open_dialog(id) {
  const dialog = byId(id);
  if (!dialog.open) dialog.showModal();
  return dialog;
}

export const close_dialog = (id) => { if (byId(id).open) byId(id).close(); };

addEventListener("click", (event) => {
  const closer = event.target.closest?.("[data-close]");
  if (closer) closer.closest("dialog").close();
});

// Digits press the numbered buttons of a dialog.
export function number_keys(dialog) {
  dialog.addEventListener("keydown", (event) => {
    const number = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
    const button = number && all("[data-number]", dialog).find((one) => one.dataset.number === number && is_shown(one));
    if (button && !event.ctrlKey && !event.altKey && !event.metaKey) { event.preventDefault(); button.click(); }
  });
}

export const numbered = (number, label, hint, press) => {
  const made = make("button", { type: "button", class: "result", "data-number": String(number) },
    make("kbd", {}, String(number)), make("span", { class: "words", dir: "auto" }, label), make("span", { class: "effect" }, hint ?? ""));
  made.addEventListener("click", press);
  return made;
};

// A combobox: an input above a list of options; options: [{label, hint, value}], chosen(value).
export class Picker {
  constructor(input, list, { filter, chosen, empty = "nothing-fits" }) {
    Object.assign(this, { input, list, filter, chosen, empty, at: 0, options: [] });
    input.addEventListener("input", () => this.draw());
    input.addEventListener("keydown", (event) => this.key(event));
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[data-at]");
      if (option) { this.at = Number(option.dataset.at); this.mark(); this.chosen(this.value); }
    });
  }

  get value() { return this.options[this.at]?.value; }

  open() {
    this.input.value = "";
    this.draw();
    this.input.focus();
  }

  draw() {
    this.options = this.filter(this.input.value.trim());
    this.at = 0;
    this.list.replaceChildren(...this.options.map((one, at) => make("li",
      { role: "option", id: `${this.list.id}-${at}`, "data-at": String(at) },
      one.mark ?? "", make("span", { class: "words", dir: "auto" }, one.label), make("span", { class: "effect" }, one.hint ?? ""))));
    if (!this.options.length) this.list.append(make("li", { class: "empty", role: "option", "aria-disabled": "true" }, say(this.input.value ? "nothing-fits" : this.empty)));
    this.mark();
  }

  mark() {
    all("[data-at]", this.list).forEach((one, at) => {
      one.setAttribute("aria-selected", String(at === this.at));
      if (at === this.at) one.scrollIntoView({ block: "nearest" });
    });
    if (this.options.length) this.input.setAttribute("aria-activedescendant", `${this.list.id}-${this.at}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.code];
    if (!step || !this.options.length) return;
    event.preventDefault();
    this.at = (this.at + step + this.options.length) % this.options.length;
    this.mark();
  }
}
