// News for pages that are open. An element with data-live-part="URL" is fetched anew when there is some; one with
// data-live-notice is shown when the record has changed, or the ticket that it names. What has data-live-say, and an id, is said aloud when
// that has become otherwise. Nothing is exchanged where somebody types or selects; focus and scroll stay.
"use strict";

(() => {
  const parts = [...document.querySelectorAll("[data-live-part]")];
  const notices = [...document.querySelectorAll("[data-live-notice]")];
  if (!parts.length && !notices.length) return;

  const ticket = notices.map((each) => each.dataset.liveNotice).find(Boolean);
  const MINUTE = 60000;
  const SILENT = 40000; // the server speaks every 15 s
  const AGAIN = 10000;
  const MOST_SAID = 3;
  const LIVE = window.EventSource ? "Live" : "Looks for news each minute";

  const state = paragraph("live");
  const voice = paragraph("unseen");
  voice.setAttribute("role", "status");
  (parts[0] || notices[0]).before(state, voice);

  let source = null;
  let heard = Date.now();
  let isLive = !window.EventSource;
  let isOut = false; // nobody is logged in any more
  const waiting = new Set();
  const busy = new Set();

  function paragraph(kind) {
    const made = document.createElement("p");
    made.className = kind;
    return made;
  }

  function show() {
    const zone = document.documentElement.dataset.zone;
    const at = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: zone }).format(heard);
    const words = isOut ? "Not live: nobody is logged in any more. Load the page again."
      : isLive ? LIVE : `Not live: last news at ${at}`;
    state.classList.toggle("live-off", !isLive);
    if (state.textContent === words) return;
    if (state.textContent && isLive !== (state.textContent === LIVE)) say(words);
    state.textContent = words;
  }

  function say(words) {
    voice.textContent = words;
  }

  function mark(live) {
    isLive = live;
    if (live) heard = Date.now();
    show();
  }

  // The stream

  function open() {
    if (!window.EventSource || document.hidden || isOut) return;
    if (source) source.close();
    const live = document.documentElement.dataset.live;
    const mine = source = new EventSource(ticket ? `${live}?ticket=${encodeURIComponent(ticket)}` : live);
    mine.onopen = () => { mark(true); renewAll(); };
    mine.onerror = () => {
      mark(false);
      if (mine.readyState === EventSource.CLOSED) setTimeout(() => { if (source === mine) open(); }, AGAIN);
    };
    mine.addEventListener("here", () => mark(true));
    mine.addEventListener("readings", () => { mark(true); renewAll(); });
    mine.addEventListener("record", () => {
      mark(true);
      for (const each of notices) {
        if (each.hidden) say(each.textContent.trim());
        each.hidden = false;
      }
      renewAll();
    });
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) open();
    else if (source) { // a browser has few connections to one server for all its tabs
      source.close();
      source = null;
    }
  });

  setInterval(() => {
    if (document.hidden || isOut) return;
    if (Date.now() - heard > SILENT) {
      if (source) mark(false);
      open();
    }
    for (const part of waiting) renew(part);
  }, AGAIN);
  setInterval(() => { if (!document.hidden) renewAll(); }, MINUTE);

  // The parts

  function renewAll() {
    for (const part of parts) renew(part);
  }

  async function renew(part) {
    if (busy.has(part) || isOut) {
      waiting.add(part);
      return;
    }
    busy.add(part);
    waiting.delete(part);
    try {
      const answer = await fetch(part.dataset.livePart, { headers: { Accept: "text/html" }, redirect: "manual" });
      if (answer.type === "opaqueredirect") {
        isOut = true;
        mark(false);
      } else if (answer.ok) {
        if (typeof setClock === "function") setClock(answer.headers.get("X-Safetyd-Time"));
        const text = await answer.text();
        if (isInUse(part)) waiting.add(part);
        else exchange(part, text);
        heard = Date.now();
        if (!window.EventSource) isLive = true; // it was not while nothing could be fetched
        show();
      }
    } catch {
      mark(false);
    } finally {
      busy.delete(part);
    }
    if (waiting.has(part) && !isInUse(part) && !isOut) renew(part);
  }

  function isInUse(part) {
    const active = document.activeElement;
    const isTyping = part.contains(active) && active.matches("input, select, textarea, [contenteditable]");
    const chosen = getSelection();
    return isTyping || (chosen && !chosen.isCollapsed && part.contains(chosen.anchorNode));
  }

  function sayings(part) {
    return new Map([...part.querySelectorAll("[data-live-say][id]")].map((each) => [each.id, each.dataset.liveSay]));
  }

  function exchange(part, text) {
    const made = document.createElement("template");
    made.innerHTML = text;
    const before = sayings(part);
    const active = document.activeElement;
    const fresh = part.cloneNode(false);
    fresh.append(made.content);
    become(part, fresh);
    if (active !== document.activeElement && active.isConnected) active.focus({ preventScroll: true });
    const changed = [...sayings(part)].filter(([id, words]) => before.get(id) !== words).map(([, words]) => words);
    if (changed.length) {
      const more = changed.length - MOST_SAID;
      say(changed.slice(0, MOST_SAID).join(" ") + (more > 0 ? ` And ${more} more.` : ""));
    }
    if (typeof tick === "function") tick();
  }

  /** Make an element like another, and keep what in it is the same: by id, else by where it stands. */
  function become(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== Node.ELEMENT_NODE) {
      old.nodeValue = fresh.nodeValue;
      return;
    }
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) old.removeAttribute(name);
    }
    const named = new Map([...old.children].filter((each) => each.id).map((each) => [each.id, each]));
    let at = old.firstChild;
    for (const each of [...fresh.childNodes]) {
      let found = null;
      if (each.id) found = named.get(each.id);
      else if (at && !at.id && at.nodeName === each.nodeName) found = at;
      if (!found || found.nodeName !== each.nodeName) {
        old.insertBefore(each, at);
        continue;
      }
      if (found === at) at = at.nextSibling;
      else old.insertBefore(found, at);
      become(found, each);
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  }

  if (window.EventSource) open();
  show();
})();
