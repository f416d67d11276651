// The keyboard: every key has a name for what it does, and presses the button that does it. A button that is not drawn
// is not pressed: what is legal now is decided in one place. Keys go by their place (event.code), in any layout.
import { all, byId, is_shown, is_typing, make, say, stored, text } from "./dom.js";
import { open_dialog } from "./dialogs.js";

const DEFAULTS = {
  all: ["Digit0"], save: ["Enter"], dial: ["KeyD"], skip: ["KeyS"], mute: ["F2", "KeyM"], hold: ["F4", "KeyH"],
  "hang-up": ["F9"], ready: ["F8"], keypad: ["KeyK"], transfer: ["KeyT"], record: ["KeyR"], callback: ["KeyB"],
  note: ["KeyN"], edit: ["KeyE"], "step-next": ["PageDown"], "step-back": ["PageUp"], extend: ["KeyW"], nearly: ["KeyL"], reopen: ["KeyZ"],
  call: ["KeyC"],
};
const FIXED = { results: "1 … 9", leave: "Esc", map: "?" };
const NAMES = { PageDown: "PgDn", PageUp: "PgUp", Space: "space", ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→",
  Minus: "-", Equal: "=", Comma: ",", Period: ".", Semicolon: ";", Quote: "'", BracketLeft: "[", BracketRight: "]", Backslash: "\\", Backquote: "`", Slash: "/" };
const UNUSABLE = /^(Escape|Tab|Shift|Control|Alt|Meta|CapsLock|F1$|F5$|F11$|F12$|Digit[1-9]|Numpad[0-9]|Slash$|Arrow)/;

let mine = stored.get("keys") ?? {};
const codes = (what) => mine[what] ?? DEFAULTS[what];
const is_letter = (code) => !/^F\d+$|^Page|^Enter$|^Home$|^End$|^Insert$|^Pause$/.test(code);
export const letters_on = () => stored.get("letters") !== false;

export const key_name = (code) => (code === "Space" ? say("space") : NAMES[code] ?? code.replace(/^(Key|Digit)/, ""));

// Every button and heading shows its key, and tells it to assistive technology.
export function draw_hints() {
  for (const one of all("[data-key-of]")) {
    const live = codes(one.dataset.keyOf).filter((code) => letters_on() || !is_letter(code));
    text(one, live.length ? key_name(live[0]) : "");
    one.hidden = !live.length;
  }
  for (const one of all("[data-key]")) {
    const live = codes(one.dataset.key).filter((code) => letters_on() || !is_letter(code));
    if (live.length) one.setAttribute("aria-keyshortcuts", live.map(key_name).join(" "));
    else one.removeAttribute("aria-keyshortcuts");
  }
}

// does: what to do for the keys that are no buttons, by their names; digit(n): a result's number.
export function listen(does, digit) {
  addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented || changing) return;
    const is_open = document.querySelector("dialog[open]");
    const typing = is_typing();
    if (event.code === "Escape" && !is_open && typing) { document.activeElement.blur(); byId("content").focus(); return; }
    if (is_open || document.querySelector("#menu:popover-open")) return;
    if ((event.code === "Enter" || event.code === "NumpadEnter") && event.ctrlKey) { done(event, does.save); return; }
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (!typing && letters_on() && (event.key === "?" || (event.code === "Slash" && event.shiftKey))) { done(event, does.map); return; }
    if (event.shiftKey) return;
    const number = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
    if (number) { if (!typing && letters_on()) done(event, () => digit(Number(number))); return; }
    const code = event.code === "Numpad0" ? "Digit0" : event.code === "NumpadEnter" ? "Enter" : event.code;
    const what = Object.keys(DEFAULTS).find((name) => codes(name).includes(code));
    if (!what || (typing && !/^F\d+$/.test(code)) || (is_letter(code) && !letters_on())) return;
    // Enter and space belong to whatever has the focus.
    if (/^(Enter|Space)$/.test(code) && document.activeElement.matches("button, a, summary, [role=option]")) return;
    const button = all(`[data-key="${what}"]`).find((one) => is_shown(one) && !one.disabled);
    if (button) done(event, () => button.click());
    else if (does[what]) done(event, does[what]);
    else if (/^F\d+$/.test(code)) event.preventDefault();
  });
}

function done(event, act) {
  event.preventDefault();
  act();
}

// --- the map, where keys can be changed and switched off --------------------------------------------------------------

let changing = null;

function rows() {
  const table = byId("map-table").tBodies[0];
  table.replaceChildren(...["results", ...Object.keys(DEFAULTS), "leave", "map"].map((what) => {
    const keys = FIXED[what] ? [make("kbd", {}, FIXED[what])] : codes(what).map((code) => make("kbd", {}, key_name(code)));
    if (what === "save") keys.push(make("kbd", {}, "Ctrl+Enter"));
    const change = FIXED[what] ? "" : make("button", { type: "button", class: "btn btn-sm btn-link", "data-change": what,
      "aria-label": `${say("change")}: ${say(`k-${what}`)}` }, say("change"));
    return make("tr", {}, make("th", { scope: "row" }, say(`k-${what}`)), make("td", {}, ...keys), make("td", { class: "num" }, change));
  }));
}

export function open_map() {
  byId("letters-on").checked = letters_on();
  byId("sounds-on").checked = !stored.get("quiet");
  text(byId("map-told"), "");
  rows();
  open_dialog("map-dialog");
}

export function set_up_map() {
  byId("letters-on").addEventListener("change", (event) => {
    stored.set("letters", event.target.checked);
    text(byId("map-told"), event.target.checked ? "" : say("letters-off"));
    draw_hints();
  });
  byId("sounds-on").addEventListener("change", (event) => stored.set("quiet", !event.target.checked));
  byId("map-reset").addEventListener("click", () => { mine = {}; stored.drop("keys"); rows(); draw_hints(); });
  byId("map-table").addEventListener("click", (event) => {
    const what = event.target.dataset?.change;
    if (!what) return;
    changing = what;
    text(byId("map-told"), say("press", { what: say(`k-${what}`) }));
  });
  addEventListener("keydown", (event) => {
    if (!changing) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.code === "Escape") { finish_change(""); return; }
    if (UNUSABLE.test(event.code) || event.ctrlKey || event.altKey || event.metaKey) return;
    const other = Object.keys(DEFAULTS).find((what) => what !== changing && codes(what).includes(event.code));
    if (other) { text(byId("map-told"), say("taken", { key: key_name(event.code), what: say(`k-${other}`) })); return; }
    mine = { ...mine, [changing]: [event.code] };
    stored.set("keys", mine);
    finish_change("");
  }, true);
}

function finish_change(words) {
  const what = changing;
  changing = null;
  text(byId("map-told"), words);
  rows();
  draw_hints();
  document.querySelector(`[data-change="${what}"]`)?.focus();
}
