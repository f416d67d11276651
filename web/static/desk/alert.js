// The one line for what needs to be known now: the most pressing of those that are there, with one button.
import { byId, icon, say, show, text } from "./dom.js";
import { tell } from "./cues.js";

const ORDER = ["lost", "phone", "refused", "gone", "reopened", "message", "told"];
const LOOKS = { lost: "amber", phone: "alarm", refused: "alarm", gone: "amber", reopened: "amber", message: "news", told: "news" };
const ICONS = { lost: "lost", phone: "phone-off", refused: "alarm", gone: "hang-up", reopened: "back", message: "message", told: "good" };
const alerts = new Map();
const timers = new Map();

// kind: one of ORDER; button: {words, act}, or none; for_ms: goes away by itself.
export function raise(kind, words, { button = null, for_ms = 0 } = {}) {
  clearTimeout(timers.get(kind));
  const is_news = alerts.get(kind)?.words !== words;
  alerts.set(kind, { words, button });
  if (for_ms) timers.set(kind, setTimeout(() => lower(kind), for_ms));
  draw();
  if (is_news) tell(words);
}

export function lower(kind) {
  clearTimeout(timers.get(kind));
  if (alerts.delete(kind)) draw();
}

export const is_raised = (kind) => alerts.has(kind);

function draw() {
  const kind = ORDER.find((one) => alerts.has(one));
  const line = byId("alert");
  show(line, Boolean(kind));
  if (!kind) return;
  const { words, button } = alerts.get(kind);
  line.dataset.look = LOOKS[kind];
  byId("alert-icon").replaceChildren(icon(ICONS[kind]));
  text(byId("alert-words"), words);
  show(byId("alert-button"), Boolean(button));
  if (button) text(byId("alert-button"), button.words);
  byId("alert-button").onclick = button?.act ?? null;
}

// What the server would not do, in its words; a lost connection in ours.
export function refused(error, words = "") {
  const why = error.is_lost ? words || say("not-connected") : error.message;
  raise("refused", why, { button: { words: say("dismiss"), act: () => lower("refused") }, for_ms: 12000 });
}
