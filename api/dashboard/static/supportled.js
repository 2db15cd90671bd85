// What the pages need beside htmx: notices that leave, dialogs, countdowns, live updates, keys. No page depends on it to be read.
(() => {
  "use strict";
  const NOTICE_STAYS_MS = 12_000;
  const TOGETHER_MS = 300;
  const TYPED_IN = "input, select, textarea, [contenteditable]";

  // Notices: a problem stays until it is closed, the rest leaves by itself.
  const notices = document.getElementById("notices");
  new MutationObserver((changes) => {
    for (const added of changes.flatMap((change) => [...change.addedNodes])) {
      if (added instanceof HTMLElement && !added.classList.contains("problem")) setTimeout(() => added.remove(), NOTICE_STAYS_MS);
    }
  }).observe(notices, { childList: true });

  // Something was done: close what asked for it, empty what was written, read the page anew.
  document.addEventListener("done", (event) => {
    event.target.closest?.("dialog")?.close();
    event.target.closest?.("[data-undo], .notice")?.closest(".notice")?.remove();
    if (event.target.matches?.("[data-clears]")) event.target.reset();
    // Forms that show what was there before this knew no other change: what they ask next is no conflict with it.
    for (const known of document.querySelectorAll('[name="etag"]')) {
      if (event.detail?.is && known.value === event.detail.was) known.value = event.detail.is;
    }
    document.body.dispatchEvent(new CustomEvent("changed"));
  });

  const show = (dialog) => {
    dialog?.showModal();
    dialog?.querySelector("form :is(select, textarea, input:not([type=hidden]))")?.focus();
  };
  for (const dialog of document.querySelectorAll("dialog[data-open]")) show(dialog);

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-close], [data-dialog]");
    if (target?.dataset.dialog) show(document.getElementById(target.dataset.dialog));
    else if (target) (target.closest("dialog")?.close() ?? target.closest(".notice")?.remove());
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  // Countdowns: <span data-due="2026-…Z"> shows how long is left, or for how long it is late.
  const units = JSON.parse(document.documentElement.dataset.units ?? '{"h":"h","min":"min","s":"s","late":"late"}');
  const written = (seconds) => {
    const left = Math.abs(seconds);
    if (left >= 3600) return `${Math.floor(left / 3600)} ${units.h} ${Math.floor((left % 3600) / 60)} ${units.min}`;
    return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  };
  const tick = () => {
    for (const element of document.querySelectorAll("[data-due]")) {
      const seconds = Math.round((Date.parse(element.dataset.due) - Date.now()) / 1000);
      element.textContent = seconds >= 0 ? written(seconds) : `${written(seconds)} ${units.late}`;
      element.classList.toggle("late", seconds < 0);
      element.classList.toggle("soon", seconds >= 0 && seconds < 180);
    }
  };
  setInterval(tick, 1000);
  tick();
  document.addEventListener("htmx:after:swap", tick);

  // Live: one stream tells that something happened; what listens for "changed" reads itself anew, at most every moment.
  // Its address says up to where the page knows, so that nothing between reading and listening is missed.
  const source = () => document.querySelector("[data-stream]")?.dataset.stream;
  let stream = null;
  let waiting = null;
  const changed = () => {
    waiting ??= setTimeout(() => {
      waiting = null;
      document.body.dispatchEvent(new CustomEvent("changed"));
    }, TOGETHER_MS);
  };
  const listen = () => {
    stream = new EventSource(source());
    for (const name of ["incidence", "reset"]) stream.addEventListener(name, changed);
    stream.addEventListener("open", () => document.body.classList.remove("offline"));
    stream.addEventListener("error", () => document.body.classList.add("offline"));
  };
  if (source()) {
    listen();
    document.addEventListener("visibilitychange", () => {
      stream?.close();
      if (document.hidden) return;
      listen();
    });
    addEventListener("pagehide", () => stream?.close());
  }

  // Keys: j and k move through rows, Enter opens; elements name their own key by data-key.
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const move = (by) => {
    const all = rows();
    const at = all.findIndex((row) => row.contains(document.activeElement));
    const row = all[Math.min(all.length - 1, Math.max(0, at + by))];
    row?.querySelector("a[href]")?.focus();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(TYPED_IN) || document.querySelector("dialog[open]")) return;
    if (event.key === "j" || event.key === "k") return move(event.key === "j" ? 1 : -1);
    const row = document.activeElement.closest("[data-row]");
    const acts = { e: "escalate", r: "resolve" };
    if (row && event.key in acts) return location.assign(`${row.querySelector("a[href]").href}?act=${acts[event.key]}`);
    const inRow = row?.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    const target = inRow ?? document.querySelector(`[data-key="${CSS.escape(event.key)}"]:not([data-row] *)`);
    if (!target || target.disabled || target.getAttribute("aria-disabled") === "true") return;
    event.preventDefault();
    if (target.matches(TYPED_IN)) target.focus();
    else target.click();
  });
})();
