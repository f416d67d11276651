// The person: the card's fields, which can be changed by several people at once, the script, tries and notes of before.
import { all, apart, byId, icon, make, say, show, text } from "./dom.js";
import { date_at, time_at } from "./clock.js";
import { draft, keep } from "./drafts.js";
import { refused } from "./alert.js";
import { ask } from "./bar.js";
import { in_call, may, plan_of, state, watch } from "./state.js";
import { reopened_card } from "./result.js";

const KEY_FIELDS = 8, PAST = 5, LONG = 48, FLASH_MS = 8000;
let wire, step = 0, drawn_for = null;

export function set_up_person(the_wire) {
  wire = the_wire;
  watch(["card", "person", "plans"], draw);
  watch(["may", "state"], draw_phones);
}

const script = () => plan()?.script ?? [];
// Whom the page shows: the person of now, or the last one whose result is mended.
const card = () => state.card ?? reopened_card()?.card;
const person = () => (state.card ? state.person : reopened_card()?.person);
const plan = () => plan_of(card()?.campaign);
const person_name = () => person()?.name || card()?.name || card()?.shown || say("unknown");
const fields = () => person()?.fields ?? card()?.fields ?? [];  // the name is the first
const columns = () => fields().slice(1);

export function draw() {
  if (!card()) { drawn_for = null; return; }
  const { attempt } = card();
  if (drawn_for !== attempt) { drawn_for = attempt; step = draft(attempt).step ?? 0; }
  text(byId("person-name"), person_name());
  text(byId("person-about"), [plan()?.name, person()?.list].filter(Boolean).map(apart).join(" · "));
  const has_script = script().length > 0;
  show(byId("script"), has_script);
  if (has_script) draw_step();
  show(byId("key-fields-part"), has_script && columns().length > 0);
  show(byId("card-fields"), !has_script || columns().length > KEY_FIELDS);
  const is_same = byId("card-fields").dataset.attempt === attempt;
  draw_fields(byId("head-field"), fields().slice(0, 1), is_same);
  draw_fields(byId("key-fields"), has_script ? columns().slice(0, KEY_FIELDS) : [], is_same);
  draw_fields(byId("card-fields"), has_script ? columns().slice(KEY_FIELDS) : columns(), is_same);
  show(byId("fields-none"), !has_script && Boolean(person()) && !columns().length);
  draw_past();
  draw_phones();
  draw_kept();
}

// --- the script -------------------------------------------------------------------------------------------------------

function filled(words) {
  const values = Object.fromEntries([["name", person_name()], ["phone", card().shown], ["agent", byId("menu-button").innerText.trim()],
    ...fields().map(([, label, value]) => [label, value])].map(([name, value]) => [name.toLowerCase(), value]));
  return words.replace(/\{([^{}\n]{1,64})\}/g, (whole, name) => apart(values[name.trim().toLowerCase()] ?? whole));
}

function draw_step() {
  const steps = script();
  step = Math.min(Math.max(0, step), steps.length - 1);
  text(byId("step-place"), say("step", { number: step + 1, all: steps.length }));
  text(byId("step-name"), filled(steps[step].name));
  text(byId("step-text"), filled(steps[step].text));
  for (const [act, is_on] of [["step-back", step > 0], ["step-next", step < steps.length - 1]]) {
    document.querySelector(`[data-do="${act}"]`).disabled = !is_on;
  }
}

export function turn_page(by) {
  if (!state.card || !script().length) return;
  step += by;
  draw_step();
  byId("step-text").scrollTop = 0;
  keep(card().attempt, { step });
  // Whoever counts on this agent learns how far they are; nothing is lost when it is not heard.
  if (plan()?.tells_steps && in_call()) wire.ask("tell", { attempt: card().attempt, step: step + 1 }).catch(() => {});
}

// --- fields: one may change them while others do ----------------------------------------------------------------------

function draw_fields(root, shown, is_same) {
  const before = is_same ? new Map(all(".field", root).map((one) => [one.dataset.field, one])) : new Map();
  root.dataset.attempt = card().attempt;
  const parts = shown.map(([name, label, value]) => {
    const kept = before.get(name);
    if (!kept) return field(name, label, value);
    come(kept, value, "");
    return kept;
  });
  // What has the focus is never taken out of the page.
  if (parts.length !== root.children.length || parts.some((one, at) => root.children[at] !== one)) {
    const focused = root.contains(document.activeElement) ? document.activeElement : null;
    root.replaceChildren(...parts);
    if (focused?.isConnected) focused.focus({ preventScroll: true });
  }
}

function field(name, label, value) {
  const id = `field-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  const input = value.length > LONG || value.includes("\n")
    ? make("textarea", { id, rows: 2, maxLength: 2000, dir: "auto" }) : make("input", { id, maxLength: 2000, dir: "auto", autocomplete: "off" });
  input.value = value;
  const made = make("div", { class: "field", "data-field": name },
    make("label", { for: id, dir: "auto" }, label), input, make("div", { class: "field-told", role: "status" }));
  made.dataset.seen = value;
  const typed = draft(card().attempt).fields?.[name];
  if (typed && typed.value !== value) {
    input.value = typed.value;
    if (typed.seen === value) made.classList.add("is-dirty");
    else { made.dataset.seen = typed.seen; come(made, value, ""); }
  }
  input.addEventListener("input", () => { mark(made); remember(made); });
  input.addEventListener("keydown", (event) => {
    if (event.code === "Escape") { event.stopPropagation(); input.value = made.dataset.seen; settle(made); input.blur(); byId("content").focus(); }
    if (event.code === "Enter" && !event.ctrlKey && input.tagName === "INPUT") { event.preventDefault(); save(made); }
  });
  input.addEventListener("change", () => save(made));
  return made;
}

const input_of = (made) => made.querySelector("input, textarea");
const mark = (made) => made.classList.toggle("is-dirty", input_of(made).value !== made.dataset.seen);

function remember(made) {
  const attempt = card()?.attempt;
  const typed = { ...draft(attempt).fields };
  if (made.classList.contains("is-dirty")) typed[made.dataset.field] = { value: input_of(made).value, seen: made.dataset.seen };
  else delete typed[made.dataset.field];
  keep(attempt, { fields: typed });
}

function settle(made) {
  made.classList.remove("is-dirty", "is-contested");
  made.querySelector(".field-told").replaceChildren();
  remember(made);
}

async function save(made) {
  const input = input_of(made), value = input.value, seen = made.dataset.seen;
  if (value === seen || made.classList.contains("is-contested") || made.dataset.saving === value) return;
  made.dataset.saving = value;
  try {
    await wire.ask("edit", { contact: card().contact, field: made.dataset.field, seen, value });
    made.dataset.seen = value;
    if (input.value === value) settle(made);
  } catch (error) {
    if (error.theirs !== undefined) contest(made, error.theirs, error.by);
    else refused(error);
  } finally {
    delete made.dataset.saving;
  }
}

// A value comes from somebody else: taken at once, unless one is typing there.
function come(made, value, by) {
  const input = input_of(made);
  if (value === made.dataset.seen || made.dataset.saving !== undefined) return;
  if (value === input.value) { made.dataset.seen = value; settle(made); return; }
  if (made.classList.contains("is-dirty") || made.classList.contains("is-contested")) { contest(made, value, by); return; }
  input.value = made.dataset.seen = value;
  if (!by) return;
  made.classList.add("is-fresh");
  made.querySelector(".field-told").replaceChildren(say("changed-by", { by }));
  setTimeout(() => { made.classList.remove("is-fresh"); if (!made.classList.contains("is-contested")) made.querySelector(".field-told").replaceChildren(); }, FLASH_MS);
}

function contest(made, theirs, by) {
  made.classList.add("is-contested");
  const take = make("button", { type: "button", class: "btn btn-sm btn-outline-secondary" }, say("theirs"));
  const mine = make("button", { type: "button", class: "btn btn-sm btn-primary" }, say("mine"));
  take.addEventListener("click", () => { input_of(made).value = made.dataset.seen = theirs; settle(made); input_of(made).focus(); });
  mine.addEventListener("click", () => {
    made.dataset.seen = theirs;
    made.classList.remove("is-contested");
    made.querySelector(".field-told").replaceChildren();
    input_of(made).focus();
    save(made);
  });
  made.querySelector(".field-told").replaceChildren(
    make("span", {}, say("both-changed", { by: by || say("somebody"), value: theirs })), take, mine);
}

export function edited({ contact, field: name, value, by }) {
  if (contact !== card()?.contact) return;
  const list = person()?.fields ?? card().fields;
  const there = list.find(([one]) => one === name);
  if (there) there[2] = value;
  for (const made of all(".field")) if (made.dataset.field === name) come(made, value, by);
}

export const edit_first = () => all(".field input, .field textarea").find((one) => one.getClientRects().length)?.focus();

// --- before -----------------------------------------------------------------------------------------------------------

function draw_past() {
  const past = (person()?.attempts ?? []).slice(0, PAST);
  show(byId("past-none"), Boolean(person()) && !past.length);
  byId("past").replaceChildren(...past.map((one) => make("li", {},
    make("span", { class: "num muted" }, `${date_at(one.at)} ${time_at(one.at)}`),
    make("strong", {}, one.disposition || one.outcome),
    one.by ? make("span", { class: "muted" }, say("with", { by: one.by })) : "",
    one.note ? make("p", { dir: "auto", title: one.note }, one.note) : "")));
}

function draw_kept() {
  const kept = person()?.notes ?? [];
  show(byId("kept-part"), kept.length > 0);
  byId("kept").replaceChildren(...kept.map((one) => make("li", {},
    make("span", { class: "muted num" }, `${date_at(one.at)} ${time_at(one.at)} · ${apart(one.by)}`), make("p", { dir: "auto" }, one.text))));
}

function draw_phones() {
  if (!card()) return;
  const { attempt, number, shown } = card();
  const phones = person()?.phones ?? [{ number, shown, is_dialed: true }];
  const key = JSON.stringify([phones, may("accept"), in_call()]);
  if (byId("phones-of").dataset.drawn === key) return;
  byId("phones-of").dataset.drawn = key;
  byId("phones-of").replaceChildren(...phones.map((one) => {
    const dial = make("button", { type: "button", class: "btn btn-sm btn-outline-secondary", "aria-label": `${say("dial-this")} ${one.shown}` }, say("dial-this"));
    dial.addEventListener("click", () => ask("accept", { attempt, number: one.number }));
    return make("li", { class: one.is_dialed ? "is-dialed" : "" }, make("span", { class: "num" }, one.shown),
      may("accept") ? dial : one.is_dialed ? make("span", { class: "muted" }, icon("talking"), say(in_call() ? "on-the-line" : "dialed")) : "");
  }));
}
