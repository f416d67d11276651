// The agent's desk: puts its parts together. The server says what is so and what is legal; the page draws and asks.
import { all, byId, say, show } from "./dom.js";
import { heard } from "./clock.js";
import { lower, raise, refused } from "./alert.js";
import { acts as bar_acts, set_up_bar } from "./bar.js";
import { acts as call_acts, set_up_call } from "./call.js";
import { close_reopened, digit, catch_up, on_reopen, open_all, reopen, reopened_card, save, set_up_result } from "./result.js";
import { cues } from "./cues.js";
import { draw_hints, listen, open_map, set_up_map } from "./keys.js";
import { draw as draw_person, edit_first, edited, set_up_person, turn_page } from "./person.js";
import { focus_again } from "./again.js";
import { acts as reach_acts, open_callbacks, set_up_reach } from "./reach.js";
import { set_up_idle } from "./idle.js";
import { set_wire } from "./quietly.js";
import { may, state, take, watch } from "./state.js";
import { Wire } from "./wire.js";

const LOST_MS = 2000;
let losing = null;

const wire = new Wire({
  news(message, is_fresh) {
    heard(message.now, is_fresh);
    if (message.set) take(message.set);
    for (const one of message.told ?? []) {
      if (one.message) raise("message", say("message", one.message), { button: { words: say("dismiss"), act: () => lower("message") } });
      if (one.edited) edited(one.edited);
      if (one.refused) refused(new Error(one.refused));
    }
    document.body.dataset.heard = String(Number(document.body.dataset.heard ?? 0) + 1);
  },
  up() {
    clearTimeout(losing);
    losing = null;
    if (document.body.classList.contains("is-lost")) raise("told", say("back"), { for_ms: 3000 });
    document.body.classList.remove("is-lost");
    lower("lost");
    view();
    catch_up();
  },
  down() {
    losing ??= setTimeout(() => {
      document.body.classList.add("is-lost");
      raise("lost", say("lost"));
    }, LOST_MS);
  },
  elsewhere() {
    clearTimeout(losing);
    losing = null;
    lower("lost");
    document.body.dataset.view = "elsewhere";
    draw_view();
  },
});
set_wire(wire);

// --- which part of the page is there ----------------------------------------------------------------------------------

function view() {
  if (wire.is_elsewhere) return;
  document.body.dataset.view = state.state === null ? "connecting" : state.card || reopened_card() ? "person"
    : state.state === "signed-out" ? "start" : "idle";
  draw_view();
}

function draw_view() {
  const is_view = (name) => document.body.dataset.view === name;
  for (const name of ["start", "elsewhere", "idle", "person"]) show(byId(name), is_view(name));
  const is_here = !is_view("elsewhere") && !is_view("connecting");
  for (const one of all("[data-act]")) {
    const act = one.dataset.act;
    if (act !== "extend") show(one, is_here && may(act) && is_wanted(one, act));
  }
  show(byId("call"), Boolean(state.card) && is_here);
}

// A pause's reasons are on the stage, and what the stage has is not in the bar as well.
function is_wanted(button, act) {
  if (act === "pause") return state.state !== "paused" && !state.pause_next;
  if (act === "ready") return state.state === "paused" && (button.closest("#idle") !== null || document.body.dataset.view !== "idle");
  return true;
}

// --- buttons and keys -------------------------------------------------------------------------------------------------

const acts = { ...bar_acts, ...call_acts, ...reach_acts };
const does = {
  save, reopen, map: open_map, all: open_all, callbacks: open_callbacks,
  callback: () => { if (state.card || reopened_card()) focus_again(); },
  note: () => byId("note").focus(),
  edit: edit_first,
  "step-next": () => turn_page(1),
  "step-back": () => turn_page(-1),
  ready: () => { if (state.pause_next) acts.ready(); },
};

addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-act], [data-do]");
  if (!button) return;
  if (button.dataset.do) does[button.dataset.do]();
  else acts[button.dataset.act]();
});

byId("take-over").addEventListener("click", () => {
  document.body.dataset.view = "connecting";
  draw_view();
  wire.connect({ take: true });
});

set_up_bar(wire);
set_up_call();
set_up_person(wire);
set_up_result(wire);
set_up_reach(wire);
set_up_idle(wire);
set_up_map();
watch(["state", "card", "may", "pause_next"], view);
on_reopen(() => { draw_person(); view(); });
draw_hints();
listen(does, digit);
addEventListener("keydown", (event) => { if (event.code === "Escape" && reopened_card() && !event.defaultPrevented) close_reopened(); });
Object.assign(window, { desk: { cues, state } });
wire.connect();
