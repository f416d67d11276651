// The right column: the result of the conversation, the note, and saving. A digit chooses, Enter saves.
import { all, byId, icon, is_shown, say, show, stored, text } from "./dom.js";
import { now } from "./clock.js";
import { draft, forget, keep } from "./drafts.js";
import { lower, raise, refused } from "./alert.js";
import { tell } from "./cues.js";
import { expect_end, zones } from "./call.js";
import { Picker, close_dialog, numbered, open_dialog } from "./dialogs.js";
import { again, begin_again, focus_again, set_up_again } from "./again.js";
import { in_call, may, plan, plan_of, state, watch } from "./state.js";

const AUTOSAVE_MS = 800, REOPEN_MS = 60000, SHOWN = 9;
let wire, attempt = null, code = "", is_done_waiting = false, last = null, reopened = null, picker, timer;

export function set_up_result(the_wire) {
  wire = the_wire;
  set_up_again(changed_again, () => ({
    attempt, zones: reopened ? reopened.person?.zones ?? reopened.card.zones : zones(),
  }));
  watch(["card"], change_person);
  watch(["card", "plans", "campaign", "disposition", "may", "state", "pause_next", "leaves_next"], draw);
  byId("note").addEventListener("input", () => { keep(attempt, { note: byId("note").value }); autosave(); });
  picker = new Picker(byId("all-search"), byId("all-list"), {
    filter: (typed) => results().filter((one) => one.label.toLowerCase().includes(typed.toLowerCase()))
      .map((one) => ({ label: one.label, hint: effect(one), value: one.code })),
    chosen: (value) => { if (value) { close_dialog("all-dialog"); choose(value); } },
  });
  byId("all-search").addEventListener("keydown", (event) => {
    if (event.code === "Enter" || event.code === "NumpadEnter") { event.preventDefault(); picker.chosen(picker.value); }
  });
}

const results = () => (reopened ? plan_of(reopened.campaign) : plan())?.dispositions ?? [];
const of = (one_code) => results().find((one) => one.code === one_code);
export const reopened_card = () => reopened;

// --- whose result it is -----------------------------------------------------------------------------------------------

function change_person(_state, was) {
  const now_attempt = state.card?.attempt ?? null;
  if (now_attempt === attempt) return;
  if (attempt && !reopened) leave(was.card, was.person);
  if (reopened && now_attempt) close_reopened();
  clearTimeout(timer);
  attempt = now_attempt;
  close_dialog("all-dialog");
  is_done_waiting = false;
  const kept = draft(attempt);
  code = state.disposition || kept.code || "";
  byId("note").value = kept.note ?? "";
  begin_again(kept.again ?? null);
}

// A note that never went along with a result is kept with the person: nothing typed is lost.
function leave(card, person) {
  const kept = draft(attempt);
  if (card && kept.note?.trim() && kept.sent !== kept.note) {
    wire.ask("note", { contact: card.contact, text: kept.note }).then(() => {
      forget(card.attempt);
      raise("told", say("note-kept"), { for_ms: 6000 });
    }, () => { /* it stays in the browser */ });
  } else forget(attempt);
  if (card && !card.is_preview && card.connected) remember_last(card, person);
}

function remember_last(card, person) {
  last = { card, person, campaign: card.campaign, name: card.name || card.shown, code, note: byId("note").value, at: now() };
  stored.set("last", last);
}

export function last_person() {
  last ??= stored.get("last");
  return last;
}

export const reopen_left = () => (last_person()?.code && state.state !== "signed-out" ? last.at + REOPEN_MS - now() : 0);

// --- drawing ----------------------------------------------------------------------------------------------------------

function effect(one) {
  if (one.effect === "retry") return one.after ? say("effect-retry", { after: one.after }) : say("effect-retry-default");
  return one.effect === "close" ? "" : say(`effect-${one.effect}`);
}

function draw(_state, was) {
  if (!state.card && !reopened) return;
  if (state.disposition && state.disposition !== was?.disposition) code = state.disposition;
  const list = byId("results");
  const key = JSON.stringify(results());
  if (list.dataset.drawn !== key) {
    list.dataset.drawn = key;
    list.replaceChildren(...results().slice(0, SHOWN).map((one, at) => {
      const made = numbered(at + 1, one.label, effect(one), () => choose(one.code));
      made.dataset.code = one.code;
      made.dataset.effect = one.effect;
      made.querySelector("kbd").after(icon("good"));
      return made;
    }));
  }
  const is_open = may("dispose") || Boolean(reopened);
  for (const one of all(".result", list)) one.setAttribute("aria-pressed", String(one.dataset.code === code));
  for (const id of ["results", "call-again", "save"]) show(byId(id), is_open);
  show(byId("result-later"), !is_open);
  show(byId("results-all"), results().length > SHOWN && is_open);
  text(byId("save-words"), say(reopened ? "amend" : in_call() ? "save-talking"
    : state.leaves_next ? "save-leave" : state.pause_next ? "save-pause" : "save"));
  byId("save").classList.toggle("is-ending", in_call());
}

// --- choosing and saving ----------------------------------------------------------------------------------------------

export function digit(number) {
  const one = results()[number - 1];
  if (one && number <= SHOWN && is_shown(byId("results"))) choose(one.code);
}

export function choose(chosen) {
  code = chosen;
  keep(attempt, { code });
  draw();
  const one = of(code);
  tell(one.label);
  if (one.effect === "callback" && !again()) focus_again();
  if (reopened) return;
  if (plan()?.one_key && (one.effect !== "callback" || again())) save();
  else send(false).catch(refused);
}

function changed_again(is_chosen) {
  keep(attempt, { again: again() });
  const booked = results().find((one) => one.effect === "callback");
  if (is_chosen && booked && of(code)?.effect !== "callback") choose(booked.code);
  else if (is_chosen && code && !reopened) autosave();
}

// What is typed follows a chosen result to the server while it is typed.
function autosave() {
  clearTimeout(timer);
  if (code && !reopened) timer = setTimeout(() => send(false).catch(() => { /* saved with the end */ }), AUTOSAVE_MS);
}

async function send(is_done) {
  const mine = attempt, note = byId("note").value, booked = again();
  const callback = of(code)?.effect === "callback" && booked ? { at_ms: booked.at, is_mine: booked.is_mine } : null;
  await wire.ask("dispose", { attempt: mine, code, note, callback, zone: booked?.zone ?? "", is_done });
  keep(mine, { sent: note });
}

export const open_all = () => { if (is_shown(byId("results"))) { open_dialog("all-dialog"); picker.open(); } };

export async function save() {
  if (!is_shown(byId("save"))) return;
  if (!code) { raise("told", say("choose-result"), { for_ms: 5000 }); return; }
  if (of(code)?.effect === "callback" && !again()) { raise("told", say("choose-time"), { for_ms: 5000 }); focus_again(); return; }
  clearTimeout(timer);
  if (reopened) { await amend(); return; }
  expect_end();
  try {
    await send(true);
    lower("refused");
  } catch (error) {
    if (error.is_lost) { is_done_waiting = true; keep(attempt, { is_done: true }); raise("told", say("save-waits")); }
    else refused(error);
  }
}

// After a lost connection: what was chosen or saved meanwhile is sent now.
export function catch_up() {
  if (!attempt || !may("dispose")) return;
  const kept = draft(attempt);
  if (is_done_waiting || kept.is_done) { keep(attempt, { is_done: false }); is_done_waiting = false; lower("told"); save(); }
  else if (kept.code && kept.code !== state.disposition) { code = kept.code; draw(); send(false).catch(refused); }
}

// --- the last person again, for a minute ------------------------------------------------------------------------------

export function reopen() {
  if (state.card || reopen_left() <= 0) return;
  reopened = last_person();
  attempt = reopened.card.attempt;
  code = reopened.code;
  byId("note").value = reopened.note ?? "";
  begin_again(null);
  raise("reopened", say("reopened", { name: reopened.name }), { button: { words: say("leave"), act: close_reopened } });
  draw();
  redraw();
}

export function close_reopened() {
  reopened = null;
  attempt = state.card?.attempt ?? null;
  code = "";
  lower("reopened");
  redraw();
}

async function amend() {
  const booked = again();
  const callback = of(code)?.effect === "callback" && booked ? { at_ms: booked.at, is_mine: booked.is_mine } : null;
  try {
    await wire.ask("amend", { attempt: reopened.card.attempt, code, note: byId("note").value, callback, zone: booked?.zone ?? "" });
    last = { ...reopened, code, note: byId("note").value };
    stored.set("last", last);
    close_reopened();
    raise("told", say("saved"), { for_ms: 4000 });
  } catch (error) {
    refused(error);
  }
}

let redraw = () => {};
export const on_reopen = (act) => { redraw = act; };
