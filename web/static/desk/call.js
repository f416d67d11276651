// The call bar: who it is, how late it is where they are, how long it takes, and the buttons of the moment.
import { all, byId, icon, make, say, show, text } from "./dom.js";
import { count_from, count_to, each_tick, time_at, zone_name } from "./clock.js";
import { gone, new_person, tell_now, title } from "./cues.js";
import { lower, raise } from "./alert.js";
import { ask } from "./bar.js";
import { close_dialog, open_dialog } from "./dialogs.js";
import { in_call, may, plan, state, watch } from "./state.js";

let hung_up_here = false;
let nearly = null;  // with whom the agent said they are nearly done
let closing = null;  // whom the dialog is about: another card may come meanwhile

export function set_up_call() {
  watch(["state", "since", "deadline", "card", "may", "muted", "recording", "consult", "conference", "spies", "person", "extensions"], draw);
  watch(["state", "card"], cue);
  each_tick(tick);
  byId("close-form").addEventListener("submit", (event) => {
    event.preventDefault();
    close_dialog("close-dialog");
    ask("skip", { attempt: closing, is_closed: true, reason: byId("close-reason").value });
  });
  watch(["card"], () => { if (state.card?.attempt !== closing) close_dialog("close-dialog"); });
}

export const acts = {
  accept: () => ask("accept", { attempt: state.card.attempt }),
  skip: () => ask("skip", { attempt: state.card.attempt }),
  close: () => {
    closing = state.card.attempt;
    text(byId("close-name"), person_name());
    byId("close-reason").value = "";
    open_dialog("close-dialog");
  },
  mute: () => ask("mute", { is_on: !state.muted }),
  hold: () => ask("hold", { is_on: state.state !== "on-hold" }),
  record: () => ask("record", { is_on: !state.recording }),
  finish: () => ask("finish"),
  conference: () => ask("finish", { is_conference: true }),
  cancel: () => ask("cancel"),
  extend: () => ask("extend"),
  nearly: async () => {
    const { attempt } = state.card;
    if (nearly === attempt || !await ask("tell", { attempt })) return;
    nearly = attempt;
    draw();
  },
  "hang-up": () => { expect_end(); return ask("hang-up"); },
};

// The end of the call is our own doing: no beeps for it.
export function expect_end() {
  hung_up_here = true;
}

export const person_name = () => state.person?.name || state.card?.name || state.card?.shown || say("unknown");
export const zones = () => state.person?.zones ?? state.card?.zones ?? [];

// --- drawing ----------------------------------------------------------------------------------------------------------

function draw() {
  const card = state.card;
  const bar = byId("call");
  show(bar, Boolean(card));
  if (!card) return;
  bar.dataset.state = state.state;
  text(byId("call-name"), person_name());
  text(byId("call-number"), person_name() === card.shown ? "" : card.shown);
  byId("call-marks").replaceChildren(...marks(card));
  text(byId("call-note"), note());
  draw_timer(card);
  toggle("mute", state.muted);
  toggle("hold", state.state === "on-hold");
  toggle("record", state.recording);
  toggle("nearly", nearly === card.attempt);
  label("pause", say(in_call() || state.state === "ringing" || state.state === "wrap-up" ? "pause-after" : "pause"));
  label("hang-up", say(state.state === "ringing" ? "take-back" : "hang-up"));
}

function toggle(act, is_on) {
  for (const one of all(`[data-act="${act}"]`)) one.setAttribute("aria-pressed", String(Boolean(is_on)));
}

function label(act, words) {
  for (const one of all(`[data-act="${act}"] .words`)) text(one, words);
}

function marks(card) {
  const found = [];
  if (card.is_preview) found.push(["preview", say("preview")]);
  if (card.is_callback) found.push(["callback", say("promised")]);
  if (card.mode === "manual") found.push(["keypad", say("manual")]);
  if (card.keys) found.push(["keypad", say("keyed", { keys: card.keys })]);
  if (state.recording) found.push(["record", say("recording")]);
  for (const { who, how } of state.spies ?? []) found.push(["listen", say("listens", { who, how: say(how) })]);
  return found.map(([mark, words]) => make("span", { class: "chip-soft" }, icon(mark), words));
}

function note() {
  if (state.conference) return say("conference", { who: state.consult?.who ?? "" });
  if (state.consult) return say(state.consult.is_up ? "consulted" : "consulting", { who: state.consult.who });
  if (state.state === "ringing") return say("calling");
  if (state.state === "wrap-up") return say("wrap-up-left");
  if (state.state === "reserved" && state.card?.is_preview) return say("preview-left");
  if (state.muted) return say("muted");
  return "";
}

function draw_timer(card) {
  const timer = byId("call-timer");
  show(byId("preview-ring"), card.is_preview && state.state === "reserved");
  show(timer, !(card.is_preview && state.state === "reserved"));
  if (state.state === "wrap-up" && state.deadline) count_to(timer, state.deadline);
  else if (in_call()) count_from(timer, card.connected ?? state.since);
  else count_from(timer, state.since);
}

function tick(at) {
  const card = state.card;
  if (!card) return;
  const places = zones();
  const clock = byId("call-clock");
  const times = [...new Set(places.map((zone) => time_at(at, zone)))];
  const words = !times.length ? say("no-zone") : times.length === 1
    ? say("their-time", { time: times[0], zone: zone_name(places[0], at) })
    : say("their-times", { from: time_at(at, places[0]), to: time_at(at, places.at(-1)) });
  text(clock, words);
  clock.classList.toggle("is-odd", places.some((zone) => !is_day(at, zone)));
  const left_ms = Math.max(0, (state.deadline ?? at) - at);
  if (state.state === "reserved" && card.is_preview) {
    const whole_ms = Math.max(1, (state.deadline ?? at) - state.since);
    byId("ring-left").setAttribute("stroke-dashoffset", String(100 - (100 * left_ms) / whole_ms));
    text(byId("ring-seconds"), String(Math.ceil(left_ms / 1000)));
  }
  // More time is offered when little is left; the button's key works from then on.
  const is_near = state.state === "wrap-up" && left_ms <= (plan()?.near ?? 20000);
  for (const one of all('[data-act="extend"]')) show(one, may("extend") && is_near);
  byId("call").classList.toggle("is-near", state.state === "wrap-up" && left_ms <= 10000);
}

const is_day = (at, zone) => { const hour = Number(time_at(at, zone).slice(0, 2)); return hour >= 9 && hour < 20; };

// --- what is heard ----------------------------------------------------------------------------------------------------

function cue(_state, was) {
  const attempt = state.card?.attempt;
  const was_with = was.state === "talking" || was.state === "on-hold";
  if (attempt && attempt !== was.card?.attempt && was.state !== null) {
    if (state.card.is_preview && state.state === "reserved") title(person_name());
  }
  if (in_call() && !(was_with && was.card?.attempt === attempt)) {
    lower("gone");
    if (was.state !== null) new_person(person_name());
    else title(`● ${person_name()}`);
    tell_now(say("connected", { name: person_name() }));
    hung_up_here = false;
  }
  if (state.state === "wrap-up" && was_with) {
    title(say("wrap-up"));
    if (!hung_up_here) {
      gone();
      raise("gone", say("they-hung-up"), { button: { words: say("dismiss"), act: () => lower("gone") } });
    }
  }
  if (!attempt) { title(""); lower("gone"); }
  else if (attempt !== was.card?.attempt && state.state === "ringing") title(say("calling-person", { name: person_name() }));
}

