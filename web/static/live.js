// The live page: takes pictures from the server and morphs them in, without moving focus or what is typed; sends orders.
"use strict";
(() => {
  const LOST_MS = 2000, OLD_MS = 5000, FIRST_RETRY_MS = 500, LONGEST_RETRY_MS = 10000, SIGNED_OUT = 4401;
  const live = document.getElementById("live");
  const asOf = document.getElementById("as-of");
  const lost = document.getElementById("lost");
  let retryMs = FIRST_RETRY_MS, heardAt = performance.now();

  const show = ({ html, as_of }) => {
    heardAt = performance.now();
    if (html !== undefined) {
      Idiomorph.morph(live, html, { morphStyle: "innerHTML", ignoreActiveValue: true, restoreFocus: true });
    }
    asOf.textContent = as_of;
  };

  const connect = () => {
    const address = new URL(live.dataset.live, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    socket.onmessage = (event) => { retryMs = FIRST_RETRY_MS; show(JSON.parse(event.data)); };
    socket.onclose = (event) => {
      if (event.code === SIGNED_OUT) { location.reload(); return; }
      setTimeout(connect, retryMs);
      retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
    };
    // A connection that hangs without closing is given up as well.
    const watch = setInterval(() => {
      if (socket.readyState === WebSocket.CLOSED) clearInterval(watch);
      else if (performance.now() - heardAt > 3 * OLD_MS) { clearInterval(watch); heardAt += OLD_MS; socket.close(); }
    }, 1000);
  };

  setInterval(() => {
    const silentMs = performance.now() - heardAt;
    lost.hidden = silentMs < LOST_MS + 1000;  // a picture comes each second: silence is counted from the next one due
    document.body.classList.toggle("is-old", silentMs >= OLD_MS + 1000);
  }, 250);

  const send = async (form, extra) => {
    const body = new URLSearchParams(new FormData(form));
    for (const [name, value] of Object.entries(extra)) body.set(name, value);
    const button = form.querySelector("button");
    button.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "live" } });
      if (response.status === 200) { location.href = (await response.json()).go; return; }  // to be looked at first
      if (!response.ok) { document.open(); document.write(await response.text()); document.close(); }
    } finally {
      button.removeAttribute("aria-busy");
    }
  };

  const sure = document.getElementById("sure");
  let asked = null;
  addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-order]")) return;
    event.preventDefault();
    if (form.dataset.sure === undefined) { send(form, {}); return; }
    asked = form;
    sure.querySelector(".subject").textContent = form.dataset.sure;
    sure.returnValue = "no";
    sure.showModal();
  });
  sure.addEventListener("close", () => {
    if (sure.open) return;  // asked again before the end of the question before was told
    if (sure.returnValue === "yes" && asked) send(asked, { is_sure: "yes" });
    asked = null;
  });

  connect();
})();
