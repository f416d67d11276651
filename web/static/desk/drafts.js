// What was typed and not yet saved, kept in the browser by attempt: a reload or a lost connection loses nothing.
import { stored } from "./dom.js";

const KEPT_MS = 24 * 3600 * 1000;

for (const key of stored.keys("draft.")) {
  if (Date.now() - (stored.get(key)?.at ?? 0) > KEPT_MS) stored.drop(key);
}

export const draft = (attempt) => stored.get(`draft.${attempt}`) ?? {};

export function keep(attempt, news) {
  if (attempt) stored.set(`draft.${attempt}`, { ...draft(attempt), ...news, at: Date.now() });
}

export const forget = (attempt) => stored.drop(`draft.${attempt}`);
