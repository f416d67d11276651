// The wallboard: morphs in what changed, keeps the timers going, opens sheets and sends orders.
"use strict";
(() => {
  const GREY_MS = 5000, LOST_MS = 15000, FIRST_RETRY_MS = 500, LONGEST_RETRY_MS = 10000, SIGNED_OUT = 4401, HOLD_MS = 700;
  const byId = (id) => document.getElementById(id);
  const floor = byId("floor"), agents = byId("agents"), sheet = byId("sheet"), told = byId("told");
  const small = matchMedia("(max-width: 640px)");
  let retryMs = FIRST_RETRY_MS, heardAt = performance.now(), clock = Number(floor.dataset.now) - performance.now();
  let order = null;

  // --- time ---------------------------------------------------------------------------------------------------------
  const length = (ms) => {
    const seconds = Math.max(0, Math.floor(ms / 1000)), two = (n) => String(n).padStart(2, "0");
    const minutes = Math.floor(seconds / 60);
    return minutes < 60 ? `${minutes}:${two(seconds % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
  };
  const tick = (within) => {
    const now = performance.now() + clock;
    for (const one of within.querySelectorAll("[data-since]")) {
      const text = length(now - one.dataset.since);
      if (one.textContent !== text) one.textContent = text;
    }
  };
  setInterval(() => {
    tick(floor);
    const silentMs = performance.now() - heardAt;
    document.body.classList.toggle("is-old", silentMs >= GREY_MS);
    byId("lost").hidden = silentMs < LOST_MS;
  }, 250);

  // --- what comes in ------------------------------------------------------------------------------------------------
  const options = { ignoreActiveValue: true, restoreFocus: true };
  const row = (html) => { const made = document.createElement("template"); made.innerHTML = html; return made.content.firstElementChild; };
  const put = (id, html) => {
    const old = byId(id);
    if (/^a\d+$/.test(id)) {
      const fresh = row(html);
      if (old) Idiomorph.morph(old, fresh, { morphStyle: "outerHTML", ...options }); else agents.append(fresh);
      sheetFollows(id);
    } else if (old) Idiomorph.morph(old, html, { morphStyle: "innerHTML", ...options });
  };
  // Rows do not move under a hand that is about to click, nor under the keyboard.
  const arrange = () => {
    if (!order || agents.matches(":hover") || agents.contains(document.activeElement)) return;
    const wanted = new Set(order.map((id) => `a${id}`));
    for (const one of [...agents.children]) if (!wanted.has(one.id)) one.remove();
    order.forEach((id, at) => {
      const one = byId(`a${id}`), there = agents.children[at];
      if (one && there !== one) agents.insertBefore(one, there || null);
    });
    order = null;
    byId("nobody").hidden = agents.children.length > 0;
  };
  agents.addEventListener("pointerleave", () => { arrange(); filter(); });

  const show = ({ now, as_of, html, order: given }) => {
    heardAt = performance.now();
    clock = now - heardAt;
    for (const [id, text] of Object.entries(html || {})) put(id, text);
    if (given) order = given;
    arrange();
    if (as_of) byId("as-of").textContent = as_of;
    if (html) { filter(); tick(floor); }
  };

  const connect = () => {
    const address = new URL(floor.dataset.live, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    socket.onmessage = (event) => { retryMs = FIRST_RETRY_MS; show(JSON.parse(event.data)); };
    socket.onclose = (event) => {
      if (event.code === SIGNED_OUT) { location.reload(); return; }
      setTimeout(connect, retryMs);
      retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
    };
    const watch = setInterval(() => {
      if (socket.readyState === WebSocket.CLOSED) clearInterval(watch);
      else if (performance.now() - heardAt > LOST_MS) { clearInterval(watch); heardAt += GREY_MS; socket.close(); }
    }, 1000);
  };

  // --- which agents are shown ---------------------------------------------------------------------------------------
  const find = byId("find"), everybody = byId("everybody");
  let kind = "", isEverybody = false;
  const filter = () => {
    const text = find.value.trim().toLocaleLowerCase();
    let hidden = 0;
    for (const one of agents.children) {
      const fits = (!kind || one.dataset.kind === kind) && (!text || one.textContent.toLocaleLowerCase().includes(text));
      const calm = small.matches && !isEverybody && !kind && !text && !one.className;
      one.hidden = !fits || calm;
      if (calm && fits) hidden += 1;
    }
    everybody.hidden = !hidden;
    for (const one of document.querySelectorAll(".filter")) one.setAttribute("aria-pressed", String(one.dataset.kind === kind));
  };
  find.addEventListener("input", filter);
  small.addEventListener("change", filter);
  everybody.addEventListener("click", () => { isEverybody = true; filter(); });

  // --- orders -------------------------------------------------------------------------------------------------------
  const tell = (words, bad) => { told.textContent = ""; told.classList.toggle("bad", !!bad); setTimeout(() => { told.textContent = words; }, 50); clearTimeout(tell.end); tell.end = setTimeout(() => { told.textContent = ""; }, 8000); };
  const send = async (address, body, button) => {
    body.set("csrf_token", floor.dataset.token);
    button?.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(address, { method: "POST", body, headers: { "X-Requested-With": "live" } });
      const answer = response.status === 204 ? {} : await response.json();
      if (answer.go) { location.href = answer.go; return false; }
      if (answer.open) { await open(answer.open); return false; }
      if (answer.words) tell(answer.words, !response.ok);
      return response.ok;
    } catch (error) {
      tell(byId("words").dataset.failed, true);
      return false;
    } finally {
      button?.removeAttribute("aria-busy");
    }
  };

  const open = async (address) => {
    const response = await fetch(address, { headers: { "X-Requested-With": "live" } });
    if (!response.ok) { location.href = address; return; }
    byId("sheet-body").innerHTML = await response.text();
    sheet.dataset.address = address;
    if (!sheet.open) sheet.showModal();
    tick(sheet);
  };
  // An open sheet keeps up with its agent; what is typed in it stays.
  const sheetFollows = async (id) => {
    const head = byId("sheet-live");
    if (!sheet.open || head?.dataset.of !== id) return;
    const response = await fetch(sheet.dataset.address, { headers: { "X-Requested-With": "live" } });
    if (!response.ok) return;
    const made = document.createElement("template");
    made.innerHTML = await response.text();
    const fresh = made.content.querySelector("#sheet-live");
    if (fresh && byId("sheet-live")) { Idiomorph.morph(byId("sheet-live"), fresh, { morphStyle: "outerHTML", ...options }); tick(sheet); }
  };
  setInterval(() => { if (sheet.open) tick(sheet); }, 1000);

  let held = null;
  const isHold = (button) => small.matches && button.classList.contains("hold");
  addEventListener("pointerdown", (event) => {
    const button = event.target.closest?.("button.hold");
    if (!button || !isHold(button)) return;
    button.classList.add("is-held");
    held = setTimeout(() => { held = null; button.classList.remove("is-held"); send(button.dataset.do, new URLSearchParams(), button); }, HOLD_MS);
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) addEventListener(name, () => {
    clearTimeout(held);
    document.querySelectorAll(".is-held").forEach((one) => one.classList.remove("is-held"));
  });

  addEventListener("click", (event) => {
    const target = event.target.closest?.("[data-do], a[data-sheet], .filter, [data-close]");
    if (!target) { if (event.target === sheet) sheet.close(); return; }
    if (target.matches("a[data-sheet]")) {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open(target.getAttribute("href"));
    } else if (target.matches(".filter")) {
      kind = kind === target.dataset.kind ? "" : target.dataset.kind;
      filter();
    } else if (target.matches("[data-close]")) {
      event.preventDefault();
      sheet.close();
    } else {
      event.preventDefault();
      if (isHold(target) && event.detail > 0) { tell(target.dataset.hold); return; }  // a tap is not enough; a keyboard's press is
      send(target.dataset.do, new URLSearchParams(), target);
    }
  });
  addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("#sheet form")) return;
    event.preventDefault();
    if (await send(form.action, new URLSearchParams(new FormData(form, event.submitter)), event.submitter)) sheet.close();
  });
  byId("my-phone").addEventListener("change", (event) => send(event.target.dataset.keep, new URLSearchParams({ phone: event.target.value })));

  filter();
  tick(floor);
  connect();
})();
