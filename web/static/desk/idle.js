// What is there when nobody is: the start of the shift, the wait with its reason, a pause with its time, the last person.
import { all, byId, icon, make, say, show, stored, text } from "./dom.js";
import { count_from, each_tick, length } from "./clock.js";
import { ask, campaign_choices, pause_buttons, ticked } from "./bar.js";
import { last_person, reopen_left, reopened_card } from "./result.js";
import { state, watch } from "./state.js";

let wire;

export function set_up_idle(the_wire) {
  wire = the_wire;
  watch(["state", "card", "waiting", "since", "reasons", "reason", "pause_limit", "phone", "campaigns"], draw_stage);
  watch(["plans", "phones", "state"], draw_start);
  byId("start-try").addEventListener("click", try_phone);
  watch(["state", "card"], draw_last);
  each_tick(tick);
  byId("start-form").addEventListener("submit", start);
  for (const one of all("[name=mode]")) one.addEventListener("change", draw_mode);
}

// --- the start of the shift -------------------------------------------------------------------------------------------

const is_nailed_up = () => byId("start-form").elements.mode.value === "nailed-up";

function draw_mode() {
  text(byId("start-words"), say(is_nailed_up() ? "start-nailed-up" : "start-per-call"));
}

function draw_start(_state, was) {
  if (state.state !== "signed-out") return;
  const before = stored.get("shift");
  byId("phones").replaceChildren(...(state.phones ?? []).map((one) => make("option", { value: one.endpoint }, one.label)));
  if (!byId("start-phone").value) byId("start-phone").value = before?.endpoint ?? state.phones?.[0]?.endpoint ?? "";
  if (was.state !== "signed-out" && before?.mode) byId("start-form").elements.mode.value = before.mode;
  draw_mode();
  const ids = Object.keys(state.plans ?? {}).map(Number);
  const is_first = !byId("start-campaigns").children.length;
  campaign_choices(byId("start-campaigns"), is_first ? ids.filter((id) => !before || before.campaigns.includes(id)) : undefined);
  show(byId("start-none"), !ids.length);
}

async function start(event) {
  event.preventDefault();
  const endpoint = byId("start-phone").value.trim(), campaigns = ticked(byId("start-campaigns"));
  show(byId("start-refusal"), false);
  if (!endpoint) { refuse(say("no-phone-given")); byId("start-phone").focus(); return; }
  stored.set("shift", { endpoint, campaigns, mode: byId("start-form").elements.mode.value });
  byId("start-button").setAttribute("aria-busy", "true");
  try {
    await wire.ask("begin", { endpoint, is_nailed_up: is_nailed_up(), campaigns });
  } catch (error) {
    refuse(error.message || say("not-connected"));
  } finally {
    byId("start-button").removeAttribute("aria-busy");
  }
}

// The phone is tried on a page of its own, before the shift begins.
function try_phone(event) {
  const endpoint = byId("start-phone").value.trim();
  if (endpoint) { event.currentTarget.href = `/phones/${encodeURIComponent(endpoint)}/trial`; return; }
  event.preventDefault();
  refuse(say("no-phone-given"));
  byId("start-phone").focus();
}

function refuse(words) {
  text(byId("start-refusal"), words);
  show(byId("start-refusal"), true);
}

// --- waiting and pausing ----------------------------------------------------------------------------------------------

function draw_stage(_state, was) {
  if (state.card || state.state === "signed-out") return;
  const stage = byId("stage-mark").parentElement;
  stage.dataset.state = state.state;
  if (was.state !== state.state || !byId("stage-mark").children.length) byId("stage-mark").replaceChildren(icon(state.state));
  const is_paused = state.state === "paused";
  text(byId("stage-title"), is_paused && state.reason_label ? state.reason_label : say(state.state));
  text(byId("stage-words"), words());
  if (is_paused) count_from(byId("stage-timer"), state.since);
  show(byId("stage-timer"), is_paused);
  show(byId("pausing"), is_paused && Boolean(state.reasons?.length));
  const key = JSON.stringify([state.reasons, state.reason]);
  if (byId("pausing").dataset.drawn !== key) {
    byId("pausing").dataset.drawn = key;
    byId("pausing").replaceChildren(...pause_buttons((reason) => ask("pause", { reason: reason.code })));
    all("button", byId("pausing")).forEach((one, at) => one.setAttribute("aria-pressed", String(state.reasons[at].code === state.reason)));
  }
}

function words() {
  if (state.state === "available") return state.waiting || say("waiting");
  if (state.state === "reserved") return say("claiming");
  if (state.state === "ringing") return say("calling");
  if (state.state === "paused") {
    if (state.phone?.mode === "nailed-up" && !state.phone.is_up && !state.phone.note) return say("phone-rings");
    return say("ready-hint");
  }
  return "";
}

// --- the last person --------------------------------------------------------------------------------------------------

function draw_last() {
  const last = last_person();
  if (!last || state.card) return;
  const label = state.plans?.[last.campaign]?.dispositions.find((one) => one.code === last.code)?.label;
  byId("last").replaceChildren(make("p", {}, make("strong", { dir: "auto" }, last.name)),
    make("p", { class: "muted num" }, last.card.shown), label ? make("p", {}, label) : "", last.note ? make("p", { class: "muted", dir: "auto" }, last.note) : "");
}

function tick(at) {
  const left_ms = reopen_left();
  show(byId("reopen"), left_ms > 0 && !state.card && !reopened_card());
  if (left_ms > 0) text(byId("reopen-left"), length(left_ms));
  if (state.state === "paused" && state.pause_limit) {
    byId("stage-timer").classList.toggle("is-over", at - state.since > state.pause_limit);
  }
}
