// Before anything is drawn: the theme that "auto" means here, and the viewer's time zone for the server to write times in.
"use strict";
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    if (root.dataset.theme === "auto") root.dataset.bsTheme = dark.matches ? "dark" : "light";
  };
  dark.addEventListener("change", apply);
  apply();
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  if (zone) document.cookie = `outring_zone=${encodeURIComponent(zone)}; Path=/; Max-Age=31536000; SameSite=Strict${secure}`;
  // Language and theme apply at once when chosen.
  addEventListener("change", (event) => event.target.closest("form[data-autosubmit]")?.requestSubmit());
})();
