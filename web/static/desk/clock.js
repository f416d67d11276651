// The server's time, and everything on the page that counts: up from `data-since`, down to `data-until`.
import { all, text } from "./dom.js";

const language = { en: "en-GB" }[document.documentElement.lang] ?? document.documentElement.lang;
let offset = null;

// A message that took longer shows an older time: the latest offset seen is the best.
export function heard(now_ms, is_fresh) {
  const seen = now_ms - performance.now();
  offset = offset === null || is_fresh ? seen : Math.max(offset, seen);
}

export const now = () => (offset === null ? Date.now() : performance.now() + offset);

export function length(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

const formats = new Map();
function format(zone, options) {
  const key = JSON.stringify([zone, options]);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(language, { timeZone: zone, ...options }));
  return formats.get(key);
}

export const time_at = (at_ms, zone) => format(zone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at_ms);
export const day_at = (at_ms, zone) => format(zone, { weekday: "short", day: "numeric", month: "short" }).format(at_ms);
const year_at = (at_ms, zone) => format(zone, { year: "numeric" }).format(at_ms);
export function date_at(at_ms, zone) {
  const is_this_year = year_at(at_ms, zone) === year_at(now(), zone);
  return format(zone, { day: "numeric", month: "short", ...(is_this_year ? {} : { year: "numeric" }) }).format(at_ms);
}
const iso_day = (at_ms, zone) => format(zone, { year: "numeric", month: "2-digit", day: "2-digit" }).format(at_ms);
export const same_day = (one_ms, other_ms, zone) => iso_day(one_ms, zone) === iso_day(other_ms, zone);
export const my_zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

// "Moscow, UTC+3": the place is how people name a zone, the offset is what tells two of them apart.
export function offset_name(zone, at_ms = now()) {
  return new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "shortOffset" })
    .formatToParts(at_ms).find((part) => part.type === "timeZoneName").value.replace("GMT", "UTC").replace("-", "−").replace(/[+]0$/, "");
}

function place_name(zone, at_ms) {
  if (language.startsWith("en")) return zone.split("/").at(-1).replaceAll("_", " ");
  return format(zone, { timeZoneName: "longGeneric" }).formatToParts(at_ms).find((part) => part.type === "timeZoneName").value.split(",")[0];
}

export const zone_name = (zone, at_ms = now()) => `${place_name(zone, at_ms)}, ${offset_name(zone, at_ms)}`;

// A date and time for a datetime-local input, on the clock of a zone.
export function written(at_ms, zone) {
  const parts = Object.fromEntries(new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  }).formatToParts(at_ms).map((part) => [part.type, part.value]));
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}`;
}

const tickers = [];
export const each_tick = (tick) => tickers.push(tick);

function turn() {
  const at = now();
  for (const one of all("[data-since]")) text(one, length(at - Number(one.dataset.since)));
  for (const one of all("[data-until]")) text(one, length(Number(one.dataset.until) - at + 999));
  for (const tick of tickers) tick(at);
}
setInterval(turn, 250);

export function count_from(element, since_ms) {
  delete element.dataset.until;
  if (since_ms === null || since_ms === undefined) { delete element.dataset.since; text(element, ""); return; }
  element.dataset.since = since_ms;
  text(element, length(now() - since_ms));
}

export function count_to(element, until_ms) {
  delete element.dataset.since;
  element.dataset.until = until_ms;
  text(element, length(until_ms - now() + 999));
}
