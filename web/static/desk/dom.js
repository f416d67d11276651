// Small words for the page: finding elements, making them, and saying phrases that the template keeps translated.
export const byId = (id) => document.getElementById(id);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in made && typeof value !== "string") made[name] = value;
    else if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== null && child !== ""));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";
const icons = document.querySelector("link[rel='preload'][data-icons]").href;

export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${icons}#${name}`);
  made.append(use);
  return made;
}

// A phrase by its key, with its {parts} filled in.
const phrases = Object.fromEntries(all("#words [data-word]").map((one) => [one.dataset.word, one.textContent]));
export function say(key, parts = {}) {
  return (phrases[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => apart(parts[name] ?? whole));
}

// A name inside a sentence: one written from the right keeps its own direction and leaves the sentence its own.
const FROM_THE_RIGHT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;
export const apart = (words) => (FROM_THE_RIGHT.test(words) ? `\u2068${words}\u2069` : words);

// Text is set only when it is another: screen readers and selections are left alone.
export function text(element, words) {
  if (element && element.textContent !== words) element.textContent = words;
}

export function show(element, is_there) {
  if (!element || element.hidden === !is_there) return;
  const had_focus = !is_there && element.contains(document.activeElement);
  element.hidden = !is_there;
  if (had_focus) byId("content").focus({ preventScroll: true });
}

export const is_shown = (element) => Boolean(element) && element.getClientRects().length > 0;

// Whether somebody types: keys of one letter are theirs then.
export function is_typing(element = document.activeElement) {
  return Boolean(element?.matches?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]"));
}

// Keep what can be kept, for this person alone: private windows and full disks have no storage.
const mine = `outring.${document.body.dataset.user}.`;
export const stored = {
  get(key) { try { return JSON.parse(localStorage.getItem(mine + key)); } catch { return null; } },
  set(key, value) { try { localStorage.setItem(mine + key, JSON.stringify(value)); } catch { /* not kept */ } },
  drop(key) { try { localStorage.removeItem(mine + key); } catch { /* was not kept */ } },
  keys(start) {
    try { return Object.keys(localStorage).filter((key) => key.startsWith(mine + start)).map((key) => key.slice(mine.length)); }
    catch { return []; }
  },
};
