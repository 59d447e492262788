// Small behaviours; every page works without them. Markup declares them with data- attributes.
(() => {
  "use strict";
  document.documentElement.classList.add("js");

  // <div class="copy"><pre>…</pre><button data-copy>Copy</button></div>
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = button.parentElement.querySelector("pre, code");
    try {
      // What is shown may be short: the title is all of it.
      await navigator.clipboard.writeText(source.title || source.textContent.trim());
      button.textContent = "Copied";
    } catch {
      // No clipboard (plain http): select the text, so that one key press copies it.
      if (source.title) source.textContent = source.title;
      getSelection().selectAllChildren(source);
      button.textContent = "Press Ctrl C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1600);
  });

  // <fieldset data-remember="get">: the chosen tab is chosen again on the next page, unless its address names one.
  for (const tabs of document.querySelectorAll("[data-remember]")) {
    const key = `slipway.${tabs.dataset.remember}`;
    const wanted = location.hash.slice(1) || ("chosen" in tabs.dataset ? null : stored(key));
    for (const radio of tabs.querySelectorAll(":scope > input[type=radio]")) {
      if (radio.value === wanted) radio.checked = true;
      radio.addEventListener("change", () => stored(key, radio.value));
    }
  }

  function stored(key, value) {
    try {
      if (value !== undefined) localStorage.setItem(key, value);
      return localStorage.getItem(key);
    } catch { return null; } // storage may be switched off
  }

  // <select data-submit>: filters apply at once.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });

  // <form data-busy="Trying …">: a button whose answer takes seconds says that it was pressed.
  document.addEventListener("submit", (event) => {
    const button = event.target.matches("[data-busy]") && event.submitter;
    if (!button) return;
    const text = button.textContent;
    button.textContent = event.target.dataset.busy;
    button.setAttribute("aria-busy", "true");
    addEventListener("pageshow", () => { // back again: the page is as it was left
      button.textContent = text;
      button.removeAttribute("aria-busy");
    }, { once: true });
  });

  // <form hx-post="…" data-clear>: what was taken is not written there any more.
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.matches("form[data-clear]") && event.detail.successful) event.target.reset();
  });

  // <time datetime="…" data-ago>: relative times stay true while the page is open.
  const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
  const words = new Intl.RelativeTimeFormat("en", { numeric: "always" });
  function age(seconds) {
    for (const [unit, size] of units) if (seconds >= size) return words.format(-Math.floor(seconds / size), unit);
    return "just now";
  }
  function tick() {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const text = age((Date.now() - Date.parse(time.dateTime)) / 1000);
      if (time.textContent !== text) time.textContent = text;
    }
  }
  tick();
  setInterval(tick, 15000);

  // <div data-follow>: the log follows its end until the reader scrolls up, and again when they return.
  function follow(log) {
    let following = !location.hash;
    log.addEventListener("scroll", () => {
      following = log.scrollTop + log.clientHeight >= log.scrollHeight - 24;
    });
    const toEnd = () => { if (following) log.scrollTop = log.scrollHeight; };
    new MutationObserver(toEnd).observe(log, { childList: true });
    toEnd();
  }
  document.querySelectorAll("[data-follow]").forEach(follow);

  // On a phone the links that say where one is scroll sideways: the present one is brought into sight.
  for (const link of document.querySelectorAll("nav [aria-current]")) {
    const links = link.parentElement;
    links.scrollLeft += link.getBoundingClientRect().right - links.getBoundingClientRect().right + 16;
  }

  // <input data-find="#packages">: shows the rows that contain what is typed.
  document.addEventListener("input", (event) => {
    const find = event.target.closest("[data-find]");
    if (!find) return;
    const wanted = find.value.toLowerCase();
    let shown = 0;
    for (const row of document.querySelectorAll(`${find.dataset.find} tbody tr`)) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      shown += !row.hidden;
    }
    const count = document.querySelector(find.dataset.count);
    if (count) count.textContent = shown;
  });

  // The template editor: the gutter has a number for each line; a problem's link puts the cursor on its line.
  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-editor]")) return;
    const gutter = document.getElementById("gutter");
    const lines = event.target.value.split("\n").length;
    while (gutter.children.length > lines) gutter.lastElementChild.remove();
    while (gutter.children.length < lines) {
      const item = document.createElement("li");
      item.id = `L${gutter.children.length + 1}`;
      item.textContent = gutter.children.length + 1;
      gutter.append(item);
    }
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-line]");
    const editor = document.querySelector("[data-editor]");
    if (!link || !editor) return;
    const before = editor.value.split("\n").slice(0, Number(link.dataset.line) - 1);
    const start = before.reduce((sum, line) => sum + line.length + 1, 0);
    editor.focus({ preventScroll: true });
    editor.setSelectionRange(start, start + editor.value.slice(start).split("\n", 1)[0].length);
  });

  // Keyboard: / search, g and the letter of a link's data-key, ? help. Not while something is being typed.
  let last = "";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, textarea, select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const pair = last + event.key;
    last = event.key === "g" ? "g" : "";
    if (event.key === "/") {
      const search = document.querySelector("input[type=search]");
      event.preventDefault();
      if (search) { search.focus(); search.select(); } else location.href = "/?focus=1";
    } else if (event.key === "?") {
      document.getElementById("keys")?.showModal();
    } else if (/^g[a-z]$/.test(pair)) {
      const target = document.querySelector(`[data-key="${pair}"]`);
      if (target) location.href = target.href;
    }
  });
})();
