// The admin's forms: a draft saves itself field by field; what cannot be taken back is asked about.
"use strict";
(() => {
  const two = (n) => String(n).padStart(2, "0");
  for (const form of document.querySelectorAll("form[data-saves]")) {
    const told = form.querySelector(".saved");
    form.addEventListener("change", async () => {
      const response = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "X-Requested-With": "live" } }).catch(() => null);
      if (!response || ![200, 422].includes(response.status)) return;
      const { errors } = await response.json();
      for (const one of form.querySelectorAll(".wrong[id]")) {
        const name = one.id.slice("wrong-".length), words = errors[name] || "";
        one.textContent = words;
        one.hidden = !words;
        form.elements[name]?.setAttribute?.("aria-invalid", String(!!words));
      }
      const now = new Date();
      told.textContent = Object.keys(errors).length ? told.dataset.wrong : `${told.dataset.words} ${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
    });
  }
  addEventListener("submit", (event) => {
    const words = event.target.dataset?.sure;
    if (words && !confirm(words)) event.preventDefault();
  });
})();
