// Booking a callback: in a while, tomorrow, or at a time picked on the person's own clock; both clocks side by side.
// Out of hours it is refused, and the nearest time that is legal is one key away.
import { all, byId, make, say, show, text } from "./dom.js";
import { day_at, my_zone, now, offset_name, same_day, time_at, written, zone_name } from "./clock.js";
import { refused } from "./alert.js";
import { ask_quietly } from "./quietly.js";

let booked = null;  // {at, is_mine, zone}
let changed = () => {};
let whose = () => ({ attempt: null, zones: [] });
const zones = () => whose().zones;
let asked = 0;

// whose(): the attempt the callback is of, and the zones its person may be in.
export function set_up_again(on_change, of_whom) {
  changed = on_change;
  whose = of_whom;
  for (const one of all("[data-again]")) one.addEventListener("click", () => quick(one.dataset.again));
  byId("again-at").addEventListener("change", picked);
  byId("again-zone").addEventListener("change", picked);
  byId("again-drop").addEventListener("click", () => { drop_again(); changed(false); });
  for (const one of all("[name=whose]")) one.addEventListener("change", () => {
    if (booked) { booked.is_mine = byId("again-whose").querySelector("[value=me]").checked; changed(true); }
  });
}

export const again = () => booked;

export function begin_again(kept) {
  drop_again();
  if (kept) { booked = kept; look({ written: written(kept.at, clock()), zone: kept.zone }); }
}

export function drop_again() {
  booked = null;
  asked += 1;
  show(byId("again-told"), false);
  show(byId("again-pick"), false);
  byId("call-again").querySelector("[data-again=pick]").setAttribute("aria-expanded", "false");
  byId("call-again").querySelector("[value=me]").checked = true;
  mark("");
}

export const focus_again = () => byId("call-again").querySelector("[data-again]").focus();

const clock = () => (byId("again-pick").hidden ? "" : byId("again-zone").value) || zones()[0] || my_zone;
const mark = (which) => { for (const one of all("[data-again]")) one.setAttribute("aria-pressed", String(one.dataset.again === which)); };

function quick(which) {
  mark(which);
  if (which === "pick") { open_pick(); return; }
  show(byId("again-pick"), false);
  look(which === "day" ? { days: 1 } : { in_ms: Number(which) * 60000 });
}

function open_pick() {
  const places = zones();
  const at = booked?.at ?? Math.ceil((now() + 3600000) / 900000) * 900000;
  const options = places.map((zone) => make("option", { value: zone },
    places.length > 1 ? say("their-time", { time: time_at(now(), zone), zone: zone_name(zone) }) : zone_name(zone)));
  if (places.length !== 1) options.unshift(make("option", { value: "" }, say(places.length ? "any-zone" : "no-zone")));
  if (!places.includes(my_zone)) options.push(make("option", { value: my_zone }, zone_name(my_zone)));
  byId("again-zone").replaceChildren(...options);
  byId("call-again").querySelector("[data-again=pick]").setAttribute("aria-expanded", "true");
  show(byId("again-pick"), true);
  show(byId("again-zone").parentElement, options.length > 1 && places.length !== 1);
  byId("again-at").value = written(at, clock());
  byId("again-at").focus();
}

function picked() {
  if (byId("again-at").value) look({ written: byId("again-at").value, zone: byId("again-zone").value });
}

// The server works out the time and says whether it is legal: one clock and one set of rules for everybody.
async function look(when) {
  const mine = ++asked;
  const body = { attempt: whose().attempt, ...when };
  if (!body.zone) delete body.zone;
  try {
    const found = await ask_quietly("when", body);
    if (mine === asked) draw(found, when.zone ?? "");
  } catch (error) {
    refused(error);
  }
}

export function when_words(at, zone = my_zone) {
  const day = same_day(at, now(), zone) ? say("today") : same_day(at, now() + 86400000, zone) ? say("tomorrow") : day_at(at, zone);
  return `${day} ${time_at(at, zone)}`;
}

function draw({ at, zones: places, is_legal, is_past, nearest, why: law }, zone) {
  const theirs = places[0] ?? my_zone;
  show(byId("again-told"), true);
  text(byId("again-theirs"), places.length ? when_words(at, theirs) : "–");
  text(byId("again-yours"), when_words(at, my_zone));
  text(byId("again-their-zone"), say("theirs-in", { zone: places.length === 1 ? offset_name(theirs, at) : "?" }));
  text(byId("again-my-zone"), say("yours-in", { zone: offset_name(my_zone, at) }));
  show(byId("again-no"), !is_legal);
  show(byId("again-whose"), is_legal);
  if (is_legal) {
    booked = { at, zone, is_mine: byId("again-whose").querySelector("[value=me]").checked };
    changed(true);
    return;
  }
  booked = null;
  const why = is_past ? say("past") : nearest || places.length < 2 ? law : `${law} ${say("no-nearest")}`;
  text(byId("again-why"), why);
  show(byId("again-nearest"), Boolean(nearest));
  if (!nearest) return;
  text(byId("again-nearest"), say("nearest", { when: when_words(nearest, theirs) }));
  byId("again-nearest").onclick = () => look({ written: written(nearest, theirs), zone });
  byId("again-nearest").focus();
}
