// The admin's forms: a draft saves itself field by field; what cannot be taken back is asked about.
"use strict";
(() => {
  const two = (n) => String(n).padStart(2, "0");
  for (const form of document.querySelectorAll("form[data-saves]")) {
    const told = form.querySelector(".saved");
    let last = 0, before = Promise.resolve();
    const save = async () => {
      const response = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "X-Requested-With": "live" } }).catch(() => null);
      const answer = response && !response.redirected && [200, 422].includes(response.status) ? await response.json().catch(() => null) : null;
      if (!answer) { told.textContent = told.dataset.lost; return; }
      const { errors } = answer;
      for (const one of form.querySelectorAll(".wrong[id]")) {
        const name = one.id.slice("wrong-".length), words = errors[name] || "";
        one.textContent = words;
        one.hidden = !words;
        form.elements[name]?.setAttribute?.("aria-invalid", String(!!words));
      }
      const now = new Date();
      told.textContent = Object.keys(errors).length ? told.dataset.wrong : `${told.dataset.words} ${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
    };
    // One after the other, so that an answer that comes late is not taken for that of what was typed after it.
    form.addEventListener("change", () => {
      const turn = ++last;
      before = before.then(() => (turn === last ? save() : null));
    });
  }
  for (const form of document.querySelectorAll("form[data-upload]")) {
    // A list is most often called as its file is: one thing less to type.
    const { file, name } = form.elements;
    file.addEventListener("change", () => {
      if (!name.value) name.value = (file.files[0]?.name ?? "").replace(/\.\w+$/, "").slice(0, name.maxLength);
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button"), wrong = document.getElementById("upload-wrong");
      const body = new FormData(), address = new URL(form.action);
      body.set("file", form.elements.file.files[0]);
      for (const name of ["name", "country"]) address.searchParams.set(name, form.elements[name].value);
      button.setAttribute("aria-busy", "true");
      wrong.hidden = true;
      try {
        const response = await fetch(address, { method: "POST", body, headers: { "X-CSRF-Token": form.dataset.upload, "X-Requested-With": "live" } });
        const answer = await response.json();
        if (response.ok) { location.href = answer.go; return; }
        wrong.textContent = answer.words;
        wrong.hidden = false;
      } finally {
        button.removeAttribute("aria-busy");
      }
    });
  }
  if (document.querySelector("[data-again]")) setTimeout(() => location.reload(), 1000);
  addEventListener("submit", (event) => {
    const words = event.target.dataset?.sure;
    if (words && !confirm(words)) event.preventDefault();
  });
})();
