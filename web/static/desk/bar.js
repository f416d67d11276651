// The top bar: state and time, availability and pauses, campaigns, the phone, callbacks due, own figures.
import { all, byId, icon, make, say, show, text } from "./dom.js";
import { count_from, count_to, each_tick, length, now } from "./clock.js";
import { tell } from "./cues.js";
import { close_dialog, number_keys, numbered, open_dialog } from "./dialogs.js";
import { in_call, may, plan_of, state, watch } from "./state.js";
import { lower, raise, refused } from "./alert.js";

const MINUTE_MS = 60000;
let wire;

export function set_up_bar(the_wire) {
  wire = the_wire;
  number_keys(byId("pause-dialog"));
  byId("latched").addEventListener("click", () => ask("ready"));
  byId("join-save").addEventListener("click", join);
  watch(["state", "since", "deadline", "reason_label", "pause_next", "leaves_next", "may", "card", "consult"], draw_state);
  watch(["campaigns", "plans", "may"], draw_campaigns);
  watch(["phone", "may", "state"], draw_phone);
  watch(["callbacks"], draw_promised);
  watch(["state", "today", "calls", "talked"], draw_own);
  each_tick(draw_limit);
}

export const acts = { ready: () => ask("ready"), pause: open_pause, "sign-out": sign_out, join: open_join, "ring-phone": () => ask("ring-phone") };

export async function ask(what, body) {
  try {
    const found = await wire.ask(what, body);
    lower("refused");
    return found;
  } catch (error) {
    refused(error);
    return null;
  }
}

// --- state ------------------------------------------------------------------------------------------------------------

function draw_state(_state, was) {
  const chip = byId("state");
  chip.dataset.state = state.state;
  byId("state-icon").replaceChildren(icon(state.state));
  const words = state.state === "paused" && state.reason_label ? `${say("paused")} · ${state.reason_label}` : say(state.state);
  text(byId("state-words"), words);
  if (state.state === "wrap-up" && state.deadline) count_to(byId("state-timer"), state.deadline);
  else count_from(byId("state-timer"), state.state === "signed-out" ? null : state.since);
  if (was.state && was.state !== state.state) tell(words);
  if (!state.card) text(document.querySelector('[data-act="pause"] .words'), say("pause"));
  show(byId("latched"), Boolean(state.pause_next));
  text(byId("latched-words"), say("pause-next", { reason: state.pause_next }));
  byId("latched").title = say("unlatch");
  show(byId("leaves"), Boolean(state.leaves_next));
}

function draw_limit(at) {
  const over = state.state === "paused" && state.pause_limit && at - state.since > state.pause_limit;
  byId("state").classList.toggle("is-over", Boolean(over));
}

// --- pauses -----------------------------------------------------------------------------------------------------------

const limit_words = (reason) => [
  reason.limit ? say("limit", { minutes: Math.round(reason.limit / MINUTE_MS) }) : "", reason.is_paid ? "" : say("unpaid"),
].filter(Boolean).join(" · ");

export function pause_buttons(press) {
  return (state.reasons ?? []).map((reason, at) => numbered(at + 1, reason.label, limit_words(reason), () => press(reason)));
}

function open_pause() {
  text(byId("pause-when"), say(in_call() || state.card ? "pause-later" : "pause-now"));
  byId("pause-reasons").replaceChildren(...pause_buttons((reason) => {
    close_dialog("pause-dialog");
    ask("pause", { reason: reason.code });
  }));
  open_dialog("pause-dialog");
}

async function sign_out() {
  byId("menu").hidePopover();
  await ask("sign-out");
}

// --- campaigns --------------------------------------------------------------------------------------------------------

function draw_campaigns() {
  const served = (state.campaigns ?? []).map((id) => plan_of(id)?.name).filter(Boolean);
  text(byId("serving-names"), served.join(", ") || "–");
  byId("serving").title = served.join(", ");
}

export function campaign_choices(root, chosen) {
  const ticked = new Set(chosen ?? all("input:checked", root).map((one) => Number(one.value)));
  const choices = Object.values(state.plans ?? {}).filter((one) => !state.put_on?.length || state.put_on.includes(one.id)).sort((one, other) => one.name.localeCompare(other.name));
  root.replaceChildren(...choices.map((one) => make("label", { class: "choice" },
    make("input", { type: "checkbox", value: String(one.id), checked: ticked.has(one.id) }), make("span", { dir: "auto" }, one.name),
    make("span", { class: "effect" }, say(`mode-${one.mode}`)))));
}

export const ticked = (root) => all("input:checked", root).map((one) => Number(one.value));

function open_join() {
  campaign_choices(byId("join-list"), state.campaigns);
  show(byId("join-refusal"), false);
  open_dialog("join-dialog");
}

async function join() {
  try {
    await wire.ask("join", { campaigns: ticked(byId("join-list")) });
    close_dialog("join-dialog");
  } catch (error) {
    text(byId("join-refusal"), error.message || say("not-connected"));
    show(byId("join-refusal"), true);
  }
}

// --- the phone --------------------------------------------------------------------------------------------------------

function draw_phone() {
  const phone = state.phone;
  const is_here = Boolean(phone) && state.state !== "signed-out";
  show(byId("phone"), is_here);
  const is_down = is_here && phone.mode === "nailed-up" && !phone.is_up;
  if (is_here) {
    byId("phone").dataset.lamp = phone.mode === "per-call" ? "idle" : phone.is_up ? "up" : "down";
    text(byId("phone-words"), say(phone.mode === "per-call" ? "phone-per-call" : "phone", { endpoint: phone.endpoint }));
  }
  if (is_down) {
    const words = phone.note ? say("phone-lost", { note: phone.note }) : say("phone-down");
    raise("phone", words, { button: { words: say("ring-my-phone"), act: () => ask("ring-phone") } });
  } else lower("phone");
}

// --- callbacks and figures --------------------------------------------------------------------------------------------

function draw_promised() {
  const due = (state.callbacks ?? []).filter((one) => one.at <= now() + 15 * MINUTE_MS);
  show(byId("promised"), state.state !== "signed-out" && Boolean(state.callbacks?.length));
  text(byId("promised-count"), String(due.length));
  byId("promised").classList.toggle("is-due", due.some((one) => one.at <= now()));
}
setInterval(draw_promised, 15000);

function draw_own() {
  const today = state.today ?? { calls: 0, contacts: 0, talk: 0 };
  show(byId("own"), state.state !== "signed-out");
  text(byId("own-calls"), String(Math.max(today.calls, state.calls ?? 0)));
  text(byId("own-contacts"), String(today.contacts));
  text(byId("own-talk"), length(Math.max(today.talk, state.talked ?? 0)));
}

export const is_free_to_dial = () => may("dial");
