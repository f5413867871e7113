// Comfort only: what counts down counts down, what is needed says so at once. Everything works without this file.
"use strict";

const UNITS = [["d", 86400], ["h", 3600], ["min", 60]];

/** The two largest units of so many seconds, as the server says them: 3 h 20 min. */
function lasting(seconds) {
  let rest = Math.max(0, Math.round(seconds));
  const counts = UNITS.map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return [count, unit];
  });
  const first = counts.findIndex(([count]) => count > 0);
  if (first < 0) return `${rest} s`;
  return counts.slice(first, first + 2).filter(([count]) => count).map(([count, unit]) => `${count} ${unit}`).join(" ");
}

// The server's clock counts: this page was made at the time that stands at its foot, its newest part later.
const made = document.querySelector("footer time");
let ahead = made ? Date.now() - performance.now() - Date.parse(made.dateTime) : 0;

/** Go by the time that an answer has brought along. */
function setClock(said) {
  if (Date.parse(said)) ahead = Date.now() - Date.parse(said);
}

function tick() {
  const now = Date.now() - ahead;
  for (const each of document.querySelectorAll("time[data-left]")) {
    const seconds = (Date.parse(each.dateTime) - now) / 1000;
    each.textContent = `${lasting(Math.abs(seconds))} ${seconds >= 0 ? "left" : "late"}`;
    each.className = seconds < 0 ? "late" : seconds < 14400 ? "soon" : "left";
  }
  for (const each of document.querySelectorAll("time[data-ago]")) {
    each.textContent = `${lasting((now - Date.parse(each.dateTime)) / 1000)} ago`;
  }
}

/** What goes with a choice is needed while that is chosen. */
function need() {
  for (const each of document.querySelectorAll("[data-needed-with]")) {
    each.required = each.dataset.neededWith.split(" ").some((id) => document.getElementById(id)?.checked);
  }
}

document.addEventListener("change", need);
document.addEventListener("DOMContentLoaded", () => {
  need();
  tick();
  setInterval(tick, 10000);
});
