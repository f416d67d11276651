// Reaching people: keypad tones, giving somebody away, dialing by hand, and the callbacks that were promised.
import { all, byId, icon, make, say, show, text } from "./dom.js";
import { my_zone, now, time_at, zone_name } from "./clock.js";
import { refused } from "./alert.js";
import { ask } from "./bar.js";
import { Picker, close_dialog, open_dialog } from "./dialogs.js";
import { when_words } from "./again.js";
import { may, plan_of, state, watch } from "./state.js";

let wire, targets = { agents: [], campaigns: [] }, picker, keyed = "";

export function set_up_reach(the_wire) {
  wire = the_wire;
  set_up_keypad();
  set_up_transfer();
  byId("dial-form").addEventListener("submit", dial);
  watch(["callbacks", "may", "state"], draw_callbacks);
  setInterval(draw_callbacks, 30000);
  // What is no longer legal closes by itself: the call ended while one was choosing.
  watch(["may"], () => {
    if (!may("transfer")) close_dialog("transfer-dialog");
    if (!may("keypad")) close_dialog("keypad-dialog");
  });
}

export const acts = { keypad: open_keypad, transfer: open_transfer, dial: open_dial };

function tell_refusal(id, error) {
  text(byId(id), error.is_lost ? say("not-connected") : error.message);
  show(byId(id), true);
}

// --- keypad -----------------------------------------------------------------------------------------------------------

function open_keypad() {
  keyed = "";
  text(byId("keyed"), "");
  open_dialog("keypad-dialog");
}

function set_up_keypad() {
  const dialog = byId("keypad-dialog");
  for (const one of all("[data-digit]", dialog)) one.addEventListener("click", () => press(one.dataset.digit));
  dialog.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const digit = /^[0-9*#]$/.test(event.key) ? event.key : /^(?:Digit|Numpad)([0-9])$/.exec(event.code)?.[1];
    if (digit) { event.preventDefault(); press(digit); }
  });
}

function press(digit) {
  keyed = (keyed + digit).slice(-24);
  text(byId("keyed"), keyed);
  wire.ask("keys", { digits: digit }).catch(refused);
}

// --- transfer ---------------------------------------------------------------------------------------------------------

function set_up_transfer() {
  picker = new Picker(byId("transfer-to"), byId("transfer-list"), { filter: fitting, chosen: () => draw_transfer(), empty: "nobody-else" });
  byId("transfer-form").addEventListener("submit", (event) => { event.preventDefault(); transfer(picker.value?.campaign === undefined); });
  byId("transfer-blind").addEventListener("click", () => transfer(false));
  byId("transfer-to").addEventListener("keydown", (event) => {
    if ((event.code === "Enter" || event.code === "NumpadEnter") && event.ctrlKey) { event.preventDefault(); transfer(false); }
    else if (/^Arrow/.test(event.code)) draw_transfer();
  });
  byId("transfer-to").addEventListener("input", draw_transfer);
}

async function open_transfer() {
  if (state.consult) { await ask("finish"); return; }
  show(byId("transfer-refusal"), false);
  targets = { agents: [], campaigns: [] };
  open_dialog("transfer-dialog");
  picker.open();
  try {
    targets = await wire.ask("targets");
    picker.draw();
    draw_transfer();
  } catch (error) {
    tell_refusal("transfer-refusal", error);
  }
}

function fitting(typed) {
  const fits = (words) => words.toLowerCase().includes(typed.toLowerCase());
  const found = [
    ...targets.agents.filter((one) => fits(one.name)).map((one) => ({
      label: one.name, hint: say(one.state), value: { agent: one.id }, mark: make("span", { class: "mark", "data-state": one.state }, icon(one.state)) })),
    ...targets.campaigns.map((one) => ({ ...one, name: plan_of(one.id)?.name ?? `#${one.id}` })).filter((one) => fits(one.name)).map((one) => ({
      label: one.name, hint: say("agents-free", one), value: { campaign: one.id }, mark: icon("list") })),
  ];
  if (/^[+\d][\d\s().-]{2,}$/.test(typed)) found.unshift({ label: say("a-number", { number: typed }), hint: "", value: { number: typed }, mark: icon("talking") });
  return found;
}

function draw_transfer() {
  byId("transfer-attended").disabled = picker.value?.campaign !== undefined;
}

async function transfer(is_attended) {
  const to = picker.value;
  if (!to) { tell_refusal("transfer-refusal", { message: say("choose-target") }); return; }
  try {
    await wire.ask("transfer", { ...to, is_attended });
    close_dialog("transfer-dialog");
  } catch (error) {
    tell_refusal("transfer-refusal", error);
  }
}

// --- dialing by hand --------------------------------------------------------------------------------------------------

export function open_dial() {
  const select = byId("dial-campaign"), before = Number(select.value);
  const served = (state.campaigns ?? []).map(plan_of).filter(Boolean);
  select.replaceChildren(...served.map((one) => make("option", { value: String(one.id), selected: one.id === before }, one.name)));
  show(byId("dial-refusal"), false);
  open_dialog("dial-dialog");
  byId("dial-number").focus();
  byId("dial-number").select();
}

async function dial(event) {
  event.preventDefault();
  try {
    await wire.ask("dial", { campaign: Number(byId("dial-campaign").value), number: byId("dial-number").value.trim() });
    byId("dial-number").value = "";
    close_dialog("dial-dialog");
  } catch (error) {
    tell_refusal("dial-refusal", error);
  }
}

// --- callbacks --------------------------------------------------------------------------------------------------------

export function open_callbacks() {
  show(byId("callbacks-refusal"), false);
  draw_callbacks();
  open_dialog("callbacks-dialog");
}

function callback_row(one) {
  const zone = one.zones[0];
  const call = make("button", { type: "button", class: "btn btn-sm btn-outline-secondary", "aria-label": `${say("call")} ${one.name || one.shown}` }, say("call"));
  call.addEventListener("click", async () => {
    try {
      await wire.ask("dial", { campaign: one.campaign, number: one.number, contact: one.contact });
      close_dialog("callbacks-dialog");
    } catch (error) {
      if (byId("callbacks-dialog").open) tell_refusal("callbacks-refusal", error);
      else refused(error);
    }
  });
  const is_over = one.at <= now();
  return make("li", { class: is_over ? "is-due" : "" },
    make("span", { class: "when num" }, when_words(one.at), is_over ? make("span", { class: "chip-soft" }, say("overdue")) : ""),
    make("strong", { dir: "auto" }, one.name || one.shown), make("span", { class: "muted" }, [say(one.is_mine ? "mine-alone" : "anyones"), zone && zone !== my_zone
      ? say("their-time", { time: time_at(one.at, zone), zone: zone_name(zone, one.at) }) : ""].filter(Boolean).join(" · ")),
    may("dial") ? call : "");
}

function draw_callbacks() {
  const promised = state.callbacks ?? [];
  for (const [list, none] of [["promised-list", "promised-none"], ["callbacks-list", "callbacks-none"]]) {
    const had = byId(list).contains(document.activeElement);
    if (!had) byId(list).replaceChildren(...promised.slice(0, 12).map(callback_row));
    show(byId(none), !promised.length);
  }
}
